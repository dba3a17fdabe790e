// npm run model -- [--seed N] [--steps N] [--patience SECONDS]
// Operations on lines, at random, compared with a model of the line, on an etcd of its own.

import { parseArgs } from "node:util";
import { startEtcd } from "#dist/testing/index.js";
import { readNumber } from "../support/number-option.ts";
import { walkTogether } from "./walk-together.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
    steps: { type: "string", default: "10000" },
    patience: { type: "string", default: "30" },
  },
});
const seed = readNumber("seed", values.seed);
const steps = readNumber("steps", values.steps);
const patienceMs = readNumber("patience", values.patience) * 1_000;
const cluster = await startEtcd();
try {
  const { endpoints } = cluster;
  const counts = await walkTogether({ endpoints, seed, steps, patienceMs });
  const words = [...counts].map(([name, times]) => `${times} × ${name}`);
  console.log(`seed ${seed}, ${steps} steps, and the lines were always as they must be: ${words.join(", ")}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await cluster.stop();
}
// What a failure has left open is of no interest.
process.exit();
