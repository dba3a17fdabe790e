import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootFolder } from "../provision/root-folder.ts";

/** One row of the table. */
export interface Row {
  /** For example `etcd 3.6.16` or `Node.js 22.23.3`. */
  readonly version: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** As `2026-11-23`. */
  readonly date: string;
}

const page = join(rootFolder, "docs/compatibility.md");
const head = ["version", "passed", "failed", "skipped", "when"];
const table = /(?<=<!-- npm run test:matrix -->\n\n)\|.*?\n(?=\n)/s;

/** Puts rows into the table of the page on compatibility, and resolves to its path. */
export async function noteRows(rows: readonly Row[]): Promise<string> {
  await writeFile(page, placeRows(await readFile(page, "utf8"), rows));
  return page;
}

/** The text with rows in its table, in the place of those of the same release; the others stay as they are. */
export function placeRows(text: string, rows: readonly Row[]): string {
  const [before] = table.exec(text) ?? [];
  if (before === undefined) throw new Error("the page has no table of the matrix");
  const noted = new Map(readCells(before).map((cells) => [release(cells[0] ?? ""), cells]));
  for (const { version, passed, failed, skipped, date } of rows) {
    noted.set(release(version), [version, passed, failed, skipped, date].map(String));
  }
  const sorted = [...noted.values()].sort(([a = ""], [b = ""]) => a.localeCompare(b, "en", { numeric: true }));
  return text.replace(table, showTable([head, ...sorted]));
}

/** A table in Markdown, its columns lined up. */
export function showTable([first = [], ...rest]: readonly (readonly string[])[]): string {
  const all = [first, ...rest];
  const widths = first.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |\n`;
  return [line(first), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("");
}

function readCells(text: string): readonly (readonly string[])[] {
  return text
    .trim()
    .split("\n")
    .slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));
}

/** `etcd 3.6` of `etcd 3.6.16`, and `Node.js 22` of `Node.js 22.23.3`: what a row is about. */
function release(version: string): string {
  return /^(etcd \d+\.\d+|Node\.js \d+)/.exec(version)?.[0] ?? version;
}
