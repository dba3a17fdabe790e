// Runs the compiled tests: all of them, or those whose path contains one of the words given, and none of those that begin
// with an exclamation mark: `npm test -- unit`, `npm test -- integration/ '!cli'`.
// All of them means the part that fits: what is not run is named at the end.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

const folder = join("build", "test");

// A path as the shell completes it does too: test/integration/lock.test.ts.
const words = process.argv.slice(2).map((word) => word.replace(/^(!?)(build\/)?test\//, "$1").replace(/\.[jt]s$/, ""));
const wanted = words.filter((word) => !word.startsWith("!"));
const unwanted = words.filter((word) => word.startsWith("!")).map((word) => word.slice(1));

// Listed by name, since Node.js 20, 22 and 24 understand folders and patterns differently.
const files = readdirSync(join(root, folder), { recursive: true })
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .filter((file) => !unwanted.some((word) => file.includes(word)))
  .sort()
  .map((file) => join(folder, file));

if (files.length === 0) {
  console.error(`No test file matches ${words.join(" or ") || "at all"}: paths below test/ are searched.`);
  process.exit(1);
}

/** It needs the machine for itself, and comes last. */
const faultRun = join(folder, "fault", "faults-run.test.js");

const options = [
  "--test",
  "--test-reporter=spec",
  "--test-reporter-destination=stdout",
  `--test-reporter=${new URL("skip-reporter.mjs", import.meta.url)}`,
  "--test-reporter-destination=stdout",
  // The tests of faults and deadlines use real time: more at once would starve them on two cores.
  "--test-concurrency=2",
];
// Node.js 20 applies it to files, later versions to tests too. It is there for what hangs; tests have their own limits.
const limit = (minutes) => `--test-timeout=${minutes * 60_000}`;
const others = files.filter((file) => file !== faultRun);
let exitCode = others.length === 0 ? 0 : runNode(...options, limit(10), ...others);
if (others.length < files.length) exitCode ||= runNode(...options, limit(20), faultRun);
if (words.length === 0) {
  exitCode ||= runNode(join("build", "matrix", "matrix.js"), "--smoke");
  console.log(
    "Not run here: the other versions of etcd and of Node.js (npm run test:matrix), and what of other languages is not " +
      "built yet (npm run test:interop)",
  );
}
process.exit(exitCode);

function runNode(...parts) {
  const { status, signal } = spawnSync(process.execPath, parts, { cwd: root, stdio: "inherit" });
  if (signal !== null) console.error(`The tests were ended by ${signal}.`);
  return status ?? 1;
}
