import assert from "node:assert/strict";
import { test } from "node:test";
import { etcdOfFile } from "../support/lock-setting.ts";
import { operations } from "./operations.ts";
import { walkTogether } from "./walk-together.ts";

const setUp = etcdOfFile();

test("lines are served as a simple model says, whatever many clients do at random, and nothing is left", async (t) => {
  const { endpoints } = setUp(t).cluster;
  const steps = 2_100;
  const counts = await walkTogether({ endpoints, seed: 1, steps, patienceMs: 60_000 });
  t.diagnostic([...counts].map(([name, times]) => `${times} × ${name}`).join(", "));
  // Some are rare, and how often there was something to do them to is not for the seed alone to say.
  assert.ok(counts.size >= operations.length - 2, `only these were carried out: ${[...counts.keys()]}`);
});
