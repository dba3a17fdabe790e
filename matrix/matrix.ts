// Runs tests on other versions of etcd and of Node.js: `npm run test:matrix`. See docs/compatibility.md.

import { relative } from "node:path";
import { etcdCacheFolder, findBuiltEtcd } from "#dist/testing/built-etcd.js";
import { rootFolder } from "../provision/root-folder.ts";
import { type Cell, etcdCell, nodeCell, withEtcd } from "./cell.ts";
import { noteRows, type Row, showTable } from "./compatibility-page.ts";
import { newestEtcd, parseOptions, usage } from "./options.ts";
import { runTests } from "./run-tests.ts";
import { essential } from "./test-selection.ts";

const wrongUsage = 64;
const unavailable = 69;

try {
  const { etcd, node, isSmoke } = parseOptions(process.argv.slice(2));
  process.exitCode = isSmoke ? await smoke() : await run([...etcd.map(etcdCell), ...node.map(nodeCell)]);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = wrongUsage;
}

/** Resolves to the exit code. */
async function run(cells: readonly Cell[]): Promise<number> {
  const rows: Row[] = [];
  const missing: string[] = [];
  for (const { title, run: runCell } of cells) {
    console.log(`${title} ...`);
    const outcome = await runCell();
    if ("missing" in outcome) {
      missing.push(`${title}: ${outcome.missing}`);
      console.log("  skipped");
      continue;
    }
    const { version, totals } = outcome;
    const { passed, failed, skipped, seconds, explanation } = totals;
    rows.push({ version, passed, failed, skipped, date: new Date().toISOString().slice(0, 10) });
    console.log(`  ${version}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds} s`);
    if (failed > 0) console.log(explanation);
  }
  if (rows.length > 0) console.log(`\n${showRows(rows)}\n${relative(rootFolder, await noteRows(rows))}`);
  for (const reason of missing) console.log(`Not run, ${reason}`);
  if (rows.length === 0) return unavailable;
  return rows.some(({ failed }) => failed > 0) ? 1 : 0;
}

function showRows(rows: readonly Row[]): string {
  const cells = rows.map(({ version, passed, failed, skipped }) => [version, passed, failed, skipped].map(String));
  return showTable([["version", "passed", "failed", "skipped"], ...cells]);
}

/** The essential tests on the newest etcd, if it was built before. Resolves to the exit code. */
async function smoke(): Promise<number> {
  const programs = await findBuiltEtcd(newestEtcd, etcdCacheFolder());
  if (programs === undefined) {
    console.log(`Not run: the essential tests on etcd ${newestEtcd}, which is not in ${etcdCacheFolder()}`);
    return 0;
  }
  const environment = withEtcd(programs.etcd);
  const totals = await runTests({ words: essential, node: process.execPath, environment, log: "smoke.log" });
  const { passed, failed, skipped, seconds, explanation } = totals;
  console.log(`On etcd ${newestEtcd}: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${seconds} s`);
  if (failed > 0) console.log(explanation);
  return failed > 0 ? 1 : 0;
}
