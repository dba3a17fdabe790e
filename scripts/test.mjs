// Runs the compiled tests: all of them, or those whose path contains one of the words given, for example
// `npm test -- unit` or `npm test -- integration/lock`.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const folder = join("build", "test");

// A path as the shell completes it does too: test/integration/lock.test.ts.
const filters = process.argv.slice(2).map((word) => word.replace(/^(build\/)?test\//, "").replace(/\.[jt]s$/, ""));

// Listed by name, since Node.js 20, 22 and 24 understand folders and patterns differently.
const files = readdirSync(join(root, folder), { recursive: true })
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort()
  .map((file) => join(folder, file));

if (files.length === 0) {
  console.error(`No test file matches ${filters.join(" or ") || "at all"}: paths below test/ are searched.`);
  process.exit(1);
}

const words = [
  "--test",
  "--test-reporter=spec",
  // The tests of faults and deadlines use real time: more at once would starve them on two cores.
  "--test-concurrency=2",
  // Node.js 20 applies it to files, later versions to tests too. It is there for what hangs; tests have their own limits.
  "--test-timeout=600000",
];
const { status, signal } = spawnSync(process.execPath, [...words, ...files], { cwd: root, stdio: "inherit" });
if (signal !== null) console.error(`The test runner was ended by ${signal}.`);
process.exit(status ?? 1);
