import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { allFaults } from "../../faults/faults/all-faults.ts";
import type { Summary } from "../../faults/report/summary.ts";
import { rootFolder } from "../../provision/root-folder.ts";

const main = join(rootFolder, "build/faults/main.js");
const exitCodes = { good: 0, violated: 1, void: 3 };
const nothingProved =
  "NOTHING IS PROVED: the machine was starved, and the fault test is void. Let nothing else run beside it.";

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** `undefined` when there was none to make. */
  readonly summary: Summary | undefined;
}

async function run(t: TestContext, words: readonly string[]): Promise<Run> {
  const out = await mkdtemp(join(tmpdir(), "etcd-lock-faults-"));
  t.after(() => rm(out, { recursive: true, force: true }));
  const program = spawn(process.execPath, [main, ...words, "--out", out], { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => program.kill());
  let output = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  const [code] = await once(program, "close");
  const json = await readFile(join(out, "report.json"), "utf8").catch(() => undefined);
  return { code, output, summary: json === undefined ? undefined : JSON.parse(json) };
}

describe("the fault test", () => {
  it("finds no violation in a short run, in which every fault is inflicted", async (t) => {
    const words = ["--seed", "7", "--minutes", "0.1", "--workers", "2", "--callers", "8", "--jobs", "3"];
    const { code, output, summary } = await run(t, words);
    if (code === exitCodes.void) {
      t.diagnostic(nothingProved);
      return;
    }
    assert.equal(code, exitCodes.good, output);
    const faults = summary?.faults ?? [];
    const missing = faults
      .filter(({ inflicted, skipped }) => inflicted === 0 && skipped === 0)
      .map(({ fault }) => fault);
    assert.deepEqual([faults.length, missing], [allFaults.length, []]);
    for (const { fault, inflicted } of faults) if (inflicted === 0) t.diagnostic(`${fault} is not possible here`);
    t.diagnostic(`${summary?.faultCount} faults, ${summary?.holds} holds, ${summary?.commandRuns} commands`);
  });

  it("finds a client that ignores its deadline", async (t) => {
    const words = ["--seed", "7", "--minutes", "0.6", "--workers", "2", "--callers", "6", "--jobs", "1"];
    const { code, output, summary } = await run(t, [
      ...words,
      "--mutant",
      "deadline-ignored",
      "--only",
      "machine-cut-off",
    ]);
    // What it finds counts on any machine; but on one that is starved there may be little to find.
    if (code === exitCodes.void) {
      t.diagnostic(nothingProved);
      return;
    }
    assert.equal(code, exitCodes.violated, output);
    assert.ok(
      summary?.violations.some(({ invariant }) => invariant === 1 || invariant === 5),
      output,
    );
  });
});
