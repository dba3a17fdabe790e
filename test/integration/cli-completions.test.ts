import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { optionNames } from "#dist/cli/option-table.js";
import { runEtcdlocker } from "../support/etcdlocker.ts";

const folder = mkdtempSync(join(tmpdir(), "etcdlocker-"));
after(() => rmSync(folder, { recursive: true }));

/** The file with the completions for a shell. */
async function setUp(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runEtcdlocker([], ["--completions", shell]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const file = join(folder, `completions.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

function isMissing(shell: string): string | false {
  return spawnSync(shell, ["-c", "exit 0"]).status !== 0 && `needs ${shell}`;
}

function run(shell: string, ...words: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(shell, words, { encoding: "utf8" });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  return stdout.trim().split("\n");
}

/** What bash offers for the last of these words. */
function bashOffers(file: string, ...words: readonly string[]): string[] {
  const show = `for each in "\${COMPREPLY[@]}"; do echo "$each"; done`;
  const script = `source "$1"; shift; COMP_WORDS=(etcdlocker "$@"); COMP_CWORD=$#; _etcdlocker; ${show}`;
  return run("bash", "--norc", "-c", script, "bash", file, ...words);
}

/** What fish offers at the end of a command line. */
function fishOffers(file: string, line: string): string[] {
  return run("fish", "--no-config", "-c", `source ${file}; complete -C '${line}'`).map(
    (each) => each.split("\t")[0] ?? "",
  );
}

describe("the completions for bash", { skip: isMissing("bash") }, () => {
  it("offer every option, the words that are a value, and then what the command takes", async () => {
    const file = await setUp("bash");
    assert.deepEqual(new Set(bashOffers(file, "--")), new Set(optionNames.map((name) => `--${name}`)));
    assert.deepEqual(bashOffers(file, "-k", "/lock", "--sta"), ["--status"]);
    assert.deepEqual(bashOffers(file, "--on-lost", ""), ["term", "kill", "pause"]);
    assert.ok(bashOffers(file, "-k", "/lock", "-v", "ech").includes("echo"));
    assert.ok(bashOffers(file, "-k", "/lock", "--", "ech").includes("echo"));
    assert.deepEqual(bashOffers(file, "-k", ""), [""]);
  });
});

describe("the completions for bash of --option=value, which bash takes for three words", {
  skip: isMissing("bash"),
}, () => {
  it("offer the words that are the value", async () => {
    const file = await setUp("bash");
    assert.deepEqual(bashOffers(file, "--on-lost", "="), ["term", "kill", "pause"]);
    assert.deepEqual(bashOffers(file, "--on-lost", "=", "pa"), ["pause"]);
    assert.deepEqual(bashOffers(file, "--key", "=", "foo", "--on-lost", "=", "pa"), ["pause"]);
    assert.deepEqual(bashOffers(file, "-e", "=", "localhost", ":", "23"), [""]);
  });

  it("offer options and the command after it, also when the value is empty or is split itself", async () => {
    const file = await setUp("bash");
    assert.deepEqual(bashOffers(file, "--key", "=", "foo", "--sta"), ["--status"]);
    assert.deepEqual(bashOffers(file, "--key", "=", "a", "=", "b", "--sta"), ["--status"]);
    assert.deepEqual(bashOffers(file, "--list", "=", "--js"), ["--json", "--json-log"]);
    assert.deepEqual(bashOffers(file, "-e", "http", ":", "//etcd1", ":", "2379", "--sta"), ["--status"]);
    assert.ok(bashOffers(file, "-e", "http", ":", "//etcd1", ":", "2379", "ech").includes("echo"));
  });
});

describe("the completions for fish", { skip: isMissing("fish") }, () => {
  it("offer every option, the words that are a value, and then what the command takes", async () => {
    const file = await setUp("fish");
    assert.deepEqual(new Set(fishOffers(file, "etcdlocker --")), new Set(optionNames.map((name) => `--${name}`)));
    assert.deepEqual(fishOffers(file, "etcdlocker -k /lock --sta"), ["--status"]);
    assert.deepEqual(new Set(fishOffers(file, "etcdlocker --on-lost ")), new Set(["term", "kill", "pause"]));
    assert.ok(fishOffers(file, "etcdlocker -k /lock -v ech").includes("echo"));
    assert.ok(
      fishOffers(file, `etcdlocker -k /lock -- cat ${folder}/`).some((each) => each.endsWith("completions.fish")),
    );
  });
});

describe("the completions for zsh", { skip: isMissing("zsh") }, () => {
  it("are a script that zsh understands, with every option", async () => {
    const file = await setUp("zsh");
    run("zsh", "-f", "-n", file);
    const specifications = run(
      "zsh",
      "-f",
      "-c",
      `_arguments() { print -l -- "$@" }; compdef() { _etcdlocker }; source ${file}`,
    );
    for (const name of optionNames) {
      assert.ok(
        specifications.some((line) => new RegExp(`--${name}(=?\\[|=|$)`).test(line)),
        name,
      );
    }
  });
});
