import assert from "node:assert/strict";
import { test } from "node:test";
import { type Figures, type SimulationOptions, simulate } from "./simulation.ts";

async function run(options: SimulationOptions): Promise<Figures> {
  const { violations, figures } = await simulate(options);
  const { seed, seconds } = options;
  const again = `npm run simulate -- --seed ${seed} --seconds ${seconds}${options.faults ? "" : " --calm"}`;
  assert.deepEqual(
    violations.map(({ message }) => message),
    [],
    again,
  );
  return figures;
}

test("no invariant is violated under faults of members, networks, processes and clocks", async (t) => {
  const figures: Figures[] = [];
  for (const seed of [1, 2, 3, 4, 5, 6]) figures.push(await run({ seed, seconds: 200, faults: true }));
  const total = (name: Exclude<keyof Figures, "revision" | "faults">): number =>
    figures.reduce((sum, each) => sum + each[name], 0);
  t.diagnostic(
    `${total("holds")} holds, ${total("losses")} losses, ${total("leasesTakenAway")} leases taken away early`,
  );
  // A run in which nothing went wrong would show nothing.
  assert.ok(total("holds") > 1_500, `${total("holds")} holds`);
  for (const hazard of ["losses", "leasesTakenAway", "staleKeepAlives", "lateRequests", "elections"] as const) {
    assert.ok(total(hazard) > 10, `${total(hazard)} ${hazard}`);
  }
  const faults = new Set(figures.flatMap((each) => Object.keys(each.faults)));
  assert.ok(faults.size >= 17, `only these faults befell: ${[...faults].join(", ")}`);
});

test("without faults nothing is lost", async () => {
  const { holds, losses } = await run({ seed: 1, seconds: 100, faults: false });
  assert.ok(holds > 300, `${holds} holds`);
  assert.equal(losses, 0);
});

test("the same seed gives the same run", async () => {
  const options = { seed: 42, seconds: 60, faults: true };
  assert.deepEqual(await run(options), await run(options));
});
