import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

function runProgram(program: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd: root, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("the reference of the command", () => {
  it("is current: the table in docs/cli.md and the manual page say what the code says", () => {
    const { status, stderr } = runProgram(process.execPath, "scripts/reference.mjs", "--check");
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  });

  it("is installed as a manual page with the package", () => {
    const { man, files }: { man: string[]; files: string[] } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    // In this form npm links it on a global installation.
    assert.deepEqual(man, ["./docs/etcdlocker.1"]);
    assert.ok(files.includes("docs"));
  });

  it("is a manual page without errors", {
    skip: runProgram("groff", "--version").status !== 0 && "needs groff",
  }, () => {
    const { status, stdout, stderr } = runProgram("groff", "-man", "-ww", "-Tutf8", "docs/etcdlocker.1");
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    assert.match(stdout, /run a command while holding a lock in etcd/);
  });
});
