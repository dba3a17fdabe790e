// npm run simulate -- [--seed N] [--seeds N] [--minutes M] [--seconds S] [--calm]
// Runs one seed after the other until something is wrong, or the minutes or seeds are over.

import { parseArgs } from "node:util";
import { readNumber } from "../support/number-option.ts";
import { simulate } from "./simulation.ts";
import { invariants } from "./violation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    seconds: { type: "string", default: "300" },
    calm: { type: "boolean", default: false },
  },
});
const first = readNumber("seed", values.seed);
const seconds = readNumber("seconds", values.seconds);
const count = values.seeds === undefined ? undefined : readNumber("seeds", values.seeds);
const limitMs = values.minutes === undefined ? undefined : readNumber("minutes", values.minutes) * 60_000;
const lastSeed = first + (count ?? (limitMs === undefined ? 1 : Number.POSITIVE_INFINITY));
const faultCounts = new Map<string, number>();
let holds = 0;

for (let seed = first; seed < lastSeed && performance.now() < (limitMs ?? Number.POSITIVE_INFINITY); seed += 1) {
  const { violations, figures } = await simulate({ seed, seconds, faults: !values.calm });
  const { faults, ...rest } = figures;
  const words = Object.entries(rest).map(([name, figure]) => `${figure} ${name}`);
  console.log(`seed ${seed}: ${words.join(", ")}`);
  for (const [fault, times] of Object.entries(faults)) faultCounts.set(fault, (faultCounts.get(fault) ?? 0) + times);
  holds += figures.holds;
  if (violations.length === 0) continue;
  for (const violation of violations)
    console.error(`Violated: ${invariants[violation.invariant]}. ${violation.message}`);
  const calm = values.calm ? " --calm" : "";
  console.error(`To see it again: npm run simulate -- --seed ${seed} --seconds ${seconds}${calm}`);
  process.exit(1);
}
const faults = [...faultCounts]
  .sort(([, left], [, right]) => right - left)
  .map(([name, times]) => `${times} × ${name}`);
console.log(`${holds} holds, and nothing violated. Faults: ${faults.join(", ") || "none"}`);
// Processes that were killed never end.
process.exit(0);
