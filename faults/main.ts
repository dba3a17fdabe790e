// Program: the fault test, `npm run faults`. See faults/README.md.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { checkHistory } from "./checker/check-history.ts";
import { allFaults } from "./faults/all-faults.ts";
import { readHistory } from "./history/read-history.ts";
import { mutants } from "./mutants/all-mutants.ts";
import { buildMutant } from "./mutants/build-mutant.ts";
import { type FaultsOptions, parseOptions, usage } from "./options.ts";
import { showSummary } from "./report/show-summary.ts";
import { summarize } from "./report/summary.ts";
import { writeReport } from "./report/write-report.ts";
import { RunFailedError } from "./run/run-failed-error.ts";
import { runFaults } from "./run/run-faults.ts";

const exitCodes = { violated: 1, void: 3, usage: 64 };
// Where there is a disk of memory, etcd's data is there: what others do with the disk is not to be taken for a fault.
const memoryDisk = "/dev/shm";
const root = fileURLToPath(new URL("../../", import.meta.url));

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.lists) list();
  else process.exitCode = await run(options);
} catch (error) {
  if (error instanceof TypeError) console.error(`${error.message}\n\n${usage}`);
  else if (error instanceof RunFailedError) console.error(`THE RUN IS VOID: ${error.message}.`);
  else throw error;
  process.exitCode = error instanceof TypeError ? exitCodes.usage : exitCodes.void;
}
// What a run has left open is among what it found.
process.exit();

async function run(options: FaultsOptions): Promise<number> {
  const out = resolve(root, options.out);
  if (existsSync(memoryDisk)) process.env.TMPDIR = memoryDisk;
  const folder = join(out, "history");
  const startedAt = performance.now();
  const tell = (text: string): void =>
    console.error(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s  ${text}`);
  tell(`seed ${options.seed}`);
  const package_ = await findPackage(options, out);
  const { workers, callers, jobs } = options;
  const etcd = await runFaults({
    ...options,
    ...package_,
    size: { workers, callers, jobs },
    crowdSize: options.minutes > 5 ? 1_000 : 300,
    folder,
    tell,
  });
  const verdict = checkHistory(await readHistory(folder));
  const summary = summarize(verdict, { words: process.argv.slice(2), seed: options.seed, etcd });
  console.log(showSummary(summary));
  for (const path of await writeReport(out, summary, verdict)) console.log(path);
  if (verdict.violations.length > 0) return exitCodes.violated;
  return verdict.isVoid ? exitCodes.void : 0;
}

/** Entry points of what is tested: of the package as it is, or of a mutant of it. */
async function findPackage({ mutant }: FaultsOptions, out: string): Promise<{ library: string; locker: string }> {
  const folder = mutant === undefined ? root : join(out, "mutant");
  if (mutant !== undefined) await buildMutant(root, folder, mutant);
  // Nothing is changed in the bundle that users run.
  const locker = mutant === undefined ? "dist/command/bin.js" : "dist/cli/bin.js";
  return { library: pathToFileURL(join(folder, "dist/index.js")).href, locker: join(folder, locker) };
}

function list(): void {
  for (const { name, text } of allFaults) console.log(`${name}: ${text}`);
  console.log("\nMutants:");
  for (const { name, text } of mutants) console.log(`${name}: ${text}`);
}
