import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { describe, it } from "node:test";
import { optionNames, optionTable } from "#dist/cli/option-table.js";
import { etcdlockerPath, runEtcdlocker } from "../support/etcdlocker.ts";
import { startProgram } from "../support/programs.ts";

/** An address that tells whether anybody came. */
async function setUp(): Promise<{ endpoint: string; visits: () => number } & AsyncDisposable> {
  let visits = 0;
  const server = createServer((socket) => {
    visits += 1;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    visits: () => visits,
    [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")),
  };
}

describe("a wrong command line", () => {
  const wrong: readonly (readonly [title: string, words: readonly string[], complaint: RegExp])[] = [
    ["without anything", [], /key is missing/],
    ["without a key", ["true"], /key is missing.*ETCD_LOCK_KEY/],
    ["with an empty key", ["-k", "", "true"], /--key \(-k\) is ""/],
    ["with an empty id", ["-k", "/k", "-i", "", "true"], /--id \(-i\) is ""/],
    ["without a command", ["-k", "/k", "--"], /command is missing/],
    ["with an empty command", ["-k", "/k", ""], /command is empty/],
    ["with an unknown flag", ["-k", "/k", "--foo", "true"], /unknown option --foo/],
    ["with a TTL of 0", ["-k", "/k", "-t", "0", "true"], /--ttl \(-t\) is "0".*1 to 1000000/],
    ["with a TTL that is no number", ["-k", "/k", "-t", "abc", "true"], /--ttl \(-t\) is "abc"/],
    ["with a refresh period that is not below the TTL", ["-k", "/k", "-t5", "-r5", "true"], /--refresh \(-r\) is "5"/],
    [
      "with a time to kill that the TTL does not allow",
      ["-k", "/k", "-t5", "--kill-after=5", "true"],
      /--kill-after is "5"/,
    ],
    ["with an address that is none", ["-k", "/k", "-e", "a b", "true"], /endpoint of etcd.*a b/],
    ["with a key that etcd could not take", ["-k", "/k".repeat(4_000), "true"], /key.*4096/],
  ];
  for (const [title, words, complaint] of wrong) {
    it(`${title} is refused with 64, and etcd is not asked`, async () => {
      await using etcd = await setUp();
      const { code, stdout, stderr } = await runEtcdlocker([etcd.endpoint], words);
      assert.match(stderr, complaint);
      assert.equal(stderr.trim().split("\n").length, 1);
      assert.deepEqual({ code, stdout, visits: etcd.visits() }, { code: 64, stdout: "", visits: 0 });
    });
  }
});

describe("an address that is none", () => {
  it("is refused in the words of the command line, and says what it may be", async () => {
    for (const words of [["-k", "/k", "true"], ["--list="]]) {
      const { code, stderr } = await runEtcdlocker([], ["-e", "a b", ...words]);
      assert.equal(code, 64);
      assert.match(
        stderr,
        /^etcdlocker: an endpoint of etcd \(--etcd, --endpoints or their variables\) must be an address \([^()]*\); got "a b"$/m,
      );
    }
  });
});

describe("a command line that is not UTF-8", () => {
  it("is refused, since the command would get other words", {
    skip: process.platform !== "linux" && "needs /proc",
  }, async () => {
    const words = [process.execPath, etcdlockerPath, "-k", "/k", "echo"];
    const locker = startProgram("bash", ["-c", `exec "$0" "$@" $'caf\\xe9'`, ...words]);
    assert.equal((await locker.end()).code, 64);
    assert.match(locker.stderr, /not UTF-8/);
  });
});

/** `etcdlocker` with these words, which needs no etcd. */
async function outputOf(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runEtcdlocker([], words);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
}

describe("the help", () => {
  it("fits a terminal of 24 lines and 80 columns, and names every option", async () => {
    for (const flag of ["-h", "--help"]) {
      const lines = (await outputOf(flag)).trimEnd().split("\n");
      // One line is for the prompt that comes after it.
      assert.ok(lines.length <= 23, `${lines.length} lines`);
      assert.deepEqual(
        lines.filter((line) => line.length > 80),
        [],
      );
      const text = lines.join("\n");
      for (const name of optionNames) assert.match(text, new RegExp(`--${name}(?![\\w-])`));
    }
  });

  it("tells all of every option, in 80 columns, when it is asked to", async () => {
    const lines = (await outputOf("--help", "all")).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    for (const name of optionNames) {
      const { variable } = optionTable[name];
      const flags = new RegExp(`--${name}( [A-Z]+)?( .*${variable ?? ""}.*)?$`);
      assert.ok(
        lines.some((line) => flags.test(line)),
        name,
      );
    }
  });

  it("knows its version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
    assert.deepEqual(await runEtcdlocker([], ["--version"]), { code: 0, stdout: `${version}\n`, stderr: "" });
  });
});
