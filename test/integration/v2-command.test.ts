import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runEtcdlocker, startEtcdlocker } from "../support/etcdlocker.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { v2IsMissing, v2OfFile } from "../support/v2-setting.ts";

const setUp = v2OfFile();

describe("etcdlocker --api 2", { concurrency: 3, skip: v2IsMissing }, () => {
  it("runs the command under a lock as 1.x has it, and gives it back", async (t) => {
    const setting = setUp(t);
    const words = [
      "--api",
      "2",
      "-k",
      setting.key,
      "-i",
      "me",
      "--",
      "sh",
      "-c",
      "echo $ETCDLOCKER_FENCING_TOKEN; read x",
    ];
    await using program = startEtcdlocker([setting.endpoint], words);
    const { text } = await program.line(/^\d+$/);
    const stored = await setting.read();
    assert.deepEqual([stored?.value, String(stored?.createdIndex)], ["me", text]);
    const refused = await runEtcdlocker([setting.endpoint], ["--api", "2", "-k", setting.key, "--no-wait", "true"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /me/);
    program.child.stdin?.end();
    await program.end();
    assert.equal(await setting.read(), undefined);
  });

  it("excludes commands of the etcdlocker of 1.1.0, and others with its own id", async (t) => {
    const setting = setUp(t);
    const folder = await mkdtemp(join(tmpdir(), "etcd-lock-v2-"));
    setting.onEnd(() => rm(folder, { recursive: true, force: true }));
    const inside = join(folder, "inside");
    // Who is not alone cannot make the folder.
    const command = ["sh", "-c", `mkdir ${inside} || exit 99; sleep 0.2; rmdir ${inside}`];
    const old = (id: string): Program => {
      const words = ["-e", setting.endpoint, "-k", setting.key, "-i", id, "-t", "60", "--", ...command];
      return startProgram(process.execPath, [setting.clients.etcdlocker1, ...words]);
    };
    const current = (id: string): Program =>
      startEtcdlocker([setting.endpoint], ["--api", "2", "-k", setting.key, "-i", id, "-t", "60", "--", ...command]);
    const programs = [old("old-1"), current("new"), old("old-2"), current("new"), old("old-3"), current("other")];
    const endings = await Promise.all(programs.map((program) => program.end(90_000)));
    assert.deepEqual(
      endings.map(({ code }) => code),
      [0, 0, 0, 0, 0, 0],
      programs.map(({ stderr }) => stderr).join(""),
    );
  });

  it("ends the command when the lock is lost, with exit code 2", async (t) => {
    const setting = setUp(t);
    const words = ["--api", "2", "-k", setting.key, "-t", "30", "--", "sh", "-c", "echo inside; exec sleep 1000"];
    await using program = startEtcdlocker([setting.endpoint], words);
    await program.line(/^inside$/);
    await setting.remove();
    assert.equal((await program.end(60_000)).code, 2);
    assert.match(program.stderr, /its key is gone/);
  });

  it("waits for a holder of 1.1.0, is told whom for, and has the lock when that is killed", async (t) => {
    const setting = setUp(t);
    const holding = ["-e", setting.endpoint, "-k", setting.key, "-i", "old", "-t", "5", "--", "sleep", "1000"];
    await using holder = startProgram(process.execPath, [setting.clients.etcdlocker1, ...holding], { ownGroup: true });
    await setting.stored("the old one holds", (stored) => stored?.value === "old");
    await using waiter = startEtcdlocker([setting.endpoint], ["--api", "2", "-v", "-k", setting.key, "--", "true"]);
    await waiter.line(/old/);
    await holder.kill();
    assert.equal((await waiter.end(60_000)).code, 0);
  });

  for (const [what, words] of [
    ["--shared", ["--shared"]],
    ["--permits (-p)", ["--permits", "2"]],
    ["--at-least", ["--at-least", "5"]],
    ["several keys (-k)", ["-k", "/other"]],
  ] as const) {
    it(`refuses ${what} with 64, and etcd is not asked`, async () => {
      const { code, stderr } = await runEtcdlocker(["127.0.0.1:1"], ["--api", "2", "-k", "/k", ...words, "true"]);
      assert.equal(code, 64);
      assert.ok(stderr.includes(`--api 2 is given with ${what}`), stderr);
    });
  }
});
