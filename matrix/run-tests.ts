import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { rootFolder } from "../provision/root-folder.ts";

/** What to run tests with. */
export interface TestRun {
  /** Words for `scripts/test.mjs`. */
  readonly words: readonly string[];
  /** The program `node`. */
  readonly node: string;
  /** On top of ours; `undefined` removes a variable. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name of the file in `build/matrix-logs/` that gets the output. */
  readonly log: string;
}

/** How many tests there were. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** What the runner says of those that failed, or the end of its output when it says nothing. */
  readonly explanation: string;
}

/** Runs tests to their end. That no test was run, or the run was cut short, counts as a failure. */
export async function runTests({ words, node, environment, log }: TestRun): Promise<Totals> {
  const path = join(rootFolder, "build/matrix-logs", log);
  await mkdir(dirname(path), { recursive: true });
  const startedAt = performance.now();
  const output = createWriteStream(path);
  const child = spawn(node, [join(rootFolder, "scripts/test.mjs"), ...words], {
    cwd: rootFolder,
    env: { ...process.env, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const [code] = await once(child, "close");
  await finished(output.end());
  const text = await readFile(path, "utf8");
  const count = (what: string): number => Number(new RegExp(`^ℹ ${what} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  const [passed, failed, skipped] = [count("pass"), count("fail") + count("cancelled"), count("skipped")];
  const isSound = code === 0 && passed > 0;
  return {
    passed,
    failed: isSound ? failed : Math.max(1, failed),
    skipped,
    seconds: Math.round((performance.now() - startedAt) / 1_000),
    explanation: isSound ? "" : `${explainFailure(text)}\n(all of the output: ${path})`,
  };
}

function explainFailure(output: string): string {
  const [, failures] = output.split("\n✖ failing tests:\n");
  return failures ?? output.split("\n").slice(-30).join("\n");
}
