import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runMutant } from "../support/mutant.ts";
import { mutations } from "./mutations.ts";

/** As many seeds as it takes, but not more. */
const mostSeeds = 20;

describe("the simulation catches code that", { concurrency: 2 }, () => {
  for (const mutation of mutations) {
    test(mutation.what, async (t) => {
      const words = ["--seed", "1", "--seeds", `${mostSeeds}`, "--seconds", "300"];
      const { code, output } = await runMutant(mutation, "simulation", words);
      const [caught] = output.match(/^Violated: .*$/m) ?? [];
      t.diagnostic(`${output.match(/^seed /gm)?.length} seeds: ${caught}`);
      assert.equal(code, 1, output);
      const expected = mutation.violates.some((invariant) => caught?.includes(`. ${invariant}: `));
      assert.ok(expected, output);
    });
  }
});
