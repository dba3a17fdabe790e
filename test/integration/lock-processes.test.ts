import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fixture } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { listLeases } from "../support/leftovers.ts";
import { etcdOfFile, etcdOfTest, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** A process of its own on the test's key, by way of a proxy when `etcd` says so. */
function start(setting: LockSetting, name: string, words: readonly unknown[], etcd?: string): Program {
  const address = etcd ?? setting.cluster.endpoints.join(",");
  const program = startProgram(process.execPath, [fixture(name), address, setting.key, ...words.map(String)]);
  setting.onEnd(() => program.kill());
  return program;
}

/** Ends what a process that was killed has left in etcd, which would be there for ten minutes. */
async function endLeases({ cluster }: LockSetting, keys: readonly { readonly lease: string }[]): Promise<void> {
  for (const { lease } of keys) await cluster.etcdctl("lease", "revoke", lease).catch(() => undefined);
}

describe("a loss that nobody listens for is an uncaught exception", { concurrency: true }, () => {
  it("when the entry was deleted", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-unheard", [5, "waits"]);
    await program.line(/^held$/);
    const record = await readOnlyRecord(setting.cluster, setting.key);
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    await program.line(/^uncaughtException LockLostError entry-deleted$/);
    assert.equal((await program.end()).code, 7);
    await endLeases(setting, [record]);
  });

  it("when the deadline has passed", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const program = start(setting, "hold-unheard", [2, "waits"], proxy.endpoint);
    await program.line(/^held$/);
    const record = await readOnlyRecord(setting.cluster, setting.key);
    proxy.hold();
    await program.line(/^uncaughtException LockLostError deadline$/);
    assert.equal((await program.end()).code, 7);
    await endLeases(setting, [record]);
  });

  it("when `held` is what found it, which itself throws nothing", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-unheard", [2, "blocks"]);
    await program.line(/^held$/);
    const record = await readOnlyRecord(setting.cluster, setting.key);
    await program.line(/^looked false$/);
    await program.line(/^uncaughtException LockLostError deadline$/);
    assert.equal((await program.end()).code, 7);
    await endLeases(setting, [record]);
  });

  it("when a refresh is what found it, which rejects besides", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-unheard", [5, "refreshes"]);
    await program.line(/^held$/);
    const record = await readOnlyRecord(setting.cluster, setting.key);
    await setting.cluster.etcdctl("del", record.key);
    await program.line(/^uncaughtException LockLostError record-gone$/);
    assert.equal((await program.end()).code, 7);
    const { lease } = await readOnlyEntry(setting.cluster, setting.key);
    await endLeases(setting, [record, { lease }]);
  });
});

describe("in the first line after", { concurrency: true }, () => {
  it("a blocked event loop, a lock past its deadline is not held, and that is told once", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-and-block", [2, 2_100]);
    await program.line(/^then false true$/);
    await program.line(/^lost deadline$/);
    await program.line(/^later false 1$/);
    assert.equal((await program.end()).code, 0);
  });

  it("a blocked event loop, a lock before its deadline is held, and is held on", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-and-block", [4, 3_000]);
    await program.line(/^then true false$/);
    await program.line(/^later true 0$/);
    assert.equal((await program.end()).code, 0);
  });

  it("it was stopped past the TTL (SIGSTOP), a process holds nothing, and the next holder has a larger token", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-and-spin", [2]);
    const { text } = await program.line(/^token \d+$/);
    program.signal("SIGSTOP");
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    const next = await turn;
    // So long that it cannot but notice.
    await delay(1_000);
    program.signal("SIGCONT");
    await program.line(/^before true after false aborted true$/);
    await program.line(/^lost deadline$/);
    assert.ok(next.fencingToken > BigInt(text.split(" ")[1] ?? ""));
    assert.equal((await program.end()).code, 0);
    await next.verify();
  });
});

describe("a process", { concurrency: true }, () => {
  it("ends by itself when its locks are given back, at once, and leaves no lease", async (t) => {
    const setting = await etcdOfTest(t);
    const program = start(setting, "use-and-idle", []);
    const { at } = await program.line(/^idle$/);
    const ending = await program.end();
    assert.equal(ending.code, 0, program.stderr);
    assert.ok(ending.at - at < 1_500, `it took ${ending.at - at} ms`);
    assert.deepEqual(await listLeases(setting.cluster), []);
  });

  it("ends by itself when it has made locks and used none, whether or not there is an etcd", async (t) => {
    const setting = setUp(t);
    for (const etcd of [setting.member.endpoint, "127.0.0.1:1"]) {
      const program = start(setting, "make-and-idle", [], etcd);
      assert.equal((await program.end(5_000)).code, 0, program.stderr);
    }
  });

  it("lives as long as it holds a lock, and renews it", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-on", [2]);
    await program.line(/^held/);
    const { version } = await readOnlyRecord(setting.cluster, setting.key);
    const record = await eventually(
      "it has renewed for more than two TTLs",
      () => readOnlyRecord(setting.cluster, setting.key),
      (seen) => seen.version >= version + 5,
      10_000,
    );
    assert.equal(program.child.exitCode, null);
    const entry = await readOnlyEntry(setting.cluster, setting.key);
    await program.kill();
    await endLeases(setting, [entry, record]);
  });

  it("lives as long as it waits for a lock", async (t) => {
    const setting = setUp(t);
    const held = await setting.heldElsewhere();
    const program = start(setting, "hold-on", [2]);
    await setting.lineLength(2);
    await delay(2_000);
    assert.equal(program.child.exitCode, null);
    await held.release();
    await program.line(/^held/);
    const leases = [
      await readOnlyEntry(setting.cluster, setting.key),
      await readOnlyRecord(setting.cluster, setting.key),
    ];
    await program.kill();
    await endLeases(setting, leases);
  });

  it("ends by itself when its lock is lost, and nothing is left of it", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "hold-on", [2]);
    await program.line(/^held/);
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    await program.line(/^lost entry-deleted$/);
    assert.equal((await program.end(5_000)).code, 0, program.stderr);
  });
});
