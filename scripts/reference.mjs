/*
 * Writes what is derived from the description of the options: the table in docs/cli.md, and the manual page. With --check,
 * nothing is written, and the exit code is 1 when one of them is not current.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manualPage } from "./reference/manual-page.mjs";
import { replaceOptionsTable } from "./reference/options-table.mjs";
import { root } from "./run.mjs";

const derived = [
  { file: "docs/cli.md", derive: replaceOptionsTable },
  { file: "docs/etcdlocker.1", derive: manualPage },
];

for (const { file, derive } of derived) {
  const path = join(root, file);
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const wanted = derive(before);
  if (wanted === before) continue;
  if (process.argv.includes("--check")) {
    process.stderr.write(`${file} is not current: npm run reference\n`);
    process.exitCode = 1;
  } else writeFileSync(path, wanted);
}
