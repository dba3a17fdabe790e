import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Lock, LockLostError, LockManager, NotHeldError } from "#dist/index.js";
import { eventually, within } from "../support/eventually.ts";
import { collectErrors, etcdOfFile, isWaiting, type LockSetting, nextLoss } from "../support/lock-setting.ts";
import { readLine, readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();
const ttl = 3;

/** A lock that is held on a session of its own, so that the tests do not meet in it. */
async function heldLock(setting: LockSetting): Promise<{ lock: Lock; signal: AbortSignal; errors: LockLostError[] }> {
  const { endpoint } = await setting.proxy();
  const lock = setting.lock({ etcd: endpoint, ttl });
  const errors = collectErrors(lock);
  await lock.lock();
  return { lock, signal: lock.signal, errors };
}

/** What somebody else may do to a lock, and the reason that its holder is told. */
const injuries: readonly (readonly [string, RegExp, (setting: LockSetting) => Promise<unknown>])[] = [
  ["its entry is deleted", /^entry-deleted$/, ({ cluster, key }) => cluster.etcdctl("del", "--prefix", `${key}/`)],
  [
    "its entry is overwritten",
    /^entry-overwritten$/,
    async ({ cluster, key }) => cluster.etcdctl("put", (await readOnlyEntry(cluster, key)).key, "mine"),
  ],
  [
    "its entry is overwritten with the same value, on the same lease",
    /^entry-overwritten$/,
    async ({ cluster, key }) => {
      const entry = await readOnlyEntry(cluster, key);
      await cluster.etcdctl("put", "--ignore-lease", entry.key, entry.value);
    },
  ],
  [
    "its entry is deleted, and made again exactly as it was",
    /^entry-(deleted|overwritten)$/,
    async ({ cluster, key }) => {
      const entry = await readOnlyEntry(cluster, key);
      await cluster.etcdctl("del", entry.key);
      await cluster.etcdctl("put", `--lease=${entry.lease}`, entry.key, entry.value);
    },
  ],
  [
    "its lease is revoked",
    /^entry-deleted$/,
    async ({ cluster, key }) => cluster.etcdctl("lease", "revoke", (await readOnlyEntry(cluster, key)).lease),
  ],
];

describe("a holder is told", { concurrency: true }, () => {
  for (const [injury, reason, inflict] of injuries) {
    it(`within a second, once, that ${injury}`, async (t) => {
      const setting = setUp(t);
      const { lock, signal, errors } = await heldLock(setting);
      const token = lock.fencingToken ?? 0n;
      const told = nextLoss(lock);
      await inflict(setting);
      const { error } = await within(1_000, "the loss", told);
      assert.ok(error instanceof LockLostError);
      assert.deepEqual(
        [error.code, error.key, error.id, error.fencingToken, error.index],
        ["LOCK_LOST", setting.key, "tester", token, Number(token)],
      );
      assert.match(error.reason, reason);
      assert.ok(error.message.includes(setting.key), error.message);
      assert.deepEqual([signal.aborted, signal.reason, lock.held, lock.fencingToken], [true, error, false, undefined]);
      await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
      await within(1_500, "the lock again", lock.lock());
      assert.ok((lock.fencingToken ?? 0n) > token);
      assert.notEqual(lock.signal, signal);
      // Whatever the last acquisition has left behind is over after its TTL, and brings no second telling.
      await delay(ttl * 1_000);
      assert.equal(lock.held, true);
      await lock.unlock();
      assert.deepEqual(errors, [error]);
    });
  }

  it("at the next renewal that its hold record was removed", async (t) => {
    const setting = setUp(t);
    const { lock, errors } = await heldLock(setting);
    const told = nextLoss(lock);
    await setting.cluster.etcdctl("del", (await readOnlyRecord(setting.cluster, setting.key)).key);
    const { error } = await within(ttl * 1_000, "the loss", told);
    assert.equal(error.reason, "record-gone");
    await within(1_500, "the lock again", lock.lock());
    assert.deepEqual(errors, [error]);
  });

  it("by each of several locks that share a session, whose lease is revoked, for itself", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager({ ttl: 4 });
    const told: string[] = [];
    manager.on("lost", ({ lock }) => told.push(lock.name));
    const names = ["a", "b", "c"].map((end) => setting.key + end);
    const locks = await Promise.all(names.map((name) => manager.acquire(name)));
    const { lease } = await readOnlyEntry(setting.cluster, `${setting.key}a`);
    await setting.cluster.etcdctl("lease", "revoke", lease);
    await eventually(
      "all are lost",
      () => locks.map(({ signal }) => signal.aborted),
      (aborted) => aborted.every((isSo) => isSo),
      1_000,
    );
    assert.deepEqual(new Set(told), new Set(names));
    assert.equal(told.length, names.length);
    // The manager goes on with another session.
    await Promise.all(locks.map((lock) => lock.release()));
    const again = await within(2_000, "a lock again", manager.acquire(names[0] ?? ""));
    assert.equal(again.held, true);
    assert.equal(told.length, names.length);
  });

  it("also when it has just taken the lock, and the entry goes before it is watched", async (t) => {
    const setting = setUp(t);
    const names = Array.from({ length: 10 }, (_, index) => setting.key + index);
    const losses = names.map(async (key) => {
      const lock = setting.lock({ key, ttl });
      const told = nextLoss(lock);
      await lock.lock();
      await setting.cluster.etcdctl("del", "--prefix", `${key}/`);
      return (await within(1_000, "the loss", told)).error.reason;
    });
    assert.deepEqual(
      await Promise.all(losses),
      names.map(() => "entry-deleted"),
    );
  });
});

describe("after a loss", { concurrency: true }, () => {
  it("nothing touches what somebody else put in the place of the entry, however long", async (t) => {
    const setting = setUp(t);
    const { cluster, key } = setting;
    const { lock } = await heldLock(setting);
    const entry = await readOnlyEntry(cluster, key);
    const told = nextLoss(lock);
    await cluster.etcdctl("put", entry.key, "mine");
    await told;
    const mine = await readOnlyEntry(cluster, key);
    // Every session, and what was to be tidied up, is gone by then.
    await eventually(
      "nothing of ours is left",
      () => readLine(cluster, key),
      ({ records }) => records.length === 0,
      3 * ttl * 1_000,
    );
    await eventually(
      "our leases are gone",
      () => cluster.etcdctl("lease", "timetolive", entry.lease),
      (answer) => answer.includes("already expired"),
      3 * ttl * 1_000,
    );
    assert.deepEqual(await readOnlyEntry(cluster, key), mine);
    await cluster.etcdctl("del", entry.key);
  });

  it("unlock() says that it is not held, and that nobody is inside any more: the next one need not wait", async (t) => {
    const setting = setUp(t);
    const { lock } = await heldLock(setting);
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    const told = nextLoss(lock);
    await setting.cluster.etcdctl("del", (await readLine(setting.cluster, setting.key)).entries[0]?.key ?? "");
    await told;
    await assert.rejects(lock.unlock(), NotHeldError);
    await within(1_000, "the next one's turn", turn);
  });

  it("the entry of the next holder is not touched, and its hold not ended", async (t) => {
    const setting = setUp(t);
    const { lock, errors } = await heldLock(setting);
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    const [first] = (await readLine(setting.cluster, setting.key)).entries;
    await setting.cluster.etcdctl("del", first?.key ?? "");
    const next = await within(2 * ttl * 1_000, "the next one's turn", turn);
    const relock = lock.lock();
    await setting.lineLength(2);
    await assert.rejects(lock.unlock(), NotHeldError);
    await assert.rejects(relock, { code: "LOCK_ABANDONED" });
    await next.verify();
    assert.equal(errors.length, 1);
  });
});

describe("a loss that nobody listens for", { concurrency: true }, () => {
  it("of a manager's lock throws nothing: its signal is enough", async (t) => {
    const setting = setUp(t);
    const manager = new LockManager({ endpoints: setting.cluster.endpoints, ttl });
    setting.onEnd(() => manager.close());
    const held = await manager.acquire(setting.key);
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    await eventually(
      "the signal aborts",
      () => held.signal.aborted,
      (aborted) => aborted,
    );
    assert.throws(() => held.assertHeld(), LockLostError);
    await assert.rejects(held.renew(), LockLostError);
    assert.equal(await held.release(), false);
    assert.equal(await held.release(), false);
  });
});
