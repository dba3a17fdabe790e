import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Guard, LockLostError, NotHeldError } from "#dist/index.js";
import { findEtcd } from "#dist/testing/index.js";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { startProgram } from "../support/programs.ts";
import { readLine, readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Somebody breaks the only hold of the test's key, as an operator would. */
async function breakHolder(setting: LockSetting): Promise<void> {
  const { createRevision } = await readOnlyRecord(setting.cluster, setting.key);
  assert.equal(await setting.manager().breakLock(setting.key, { fencingToken: createRevision }), true);
}

/** Puts `key` by `etcdctl txn`, under the condition of `guard`. Resolves to whether it held. */
async function putByEtcdctl(setting: LockSetting, guard: Guard, key: string, value: string): Promise<boolean> {
  const { etcdctl = "" } = findEtcd();
  const words = [`--endpoints=${setting.cluster.endpoints}`, "txn"];
  const program = startProgram(etcdctl, words);
  program.child.stdin?.end(
    `create("${guard.key}") = "${guard.createRevision}"\n\nput ${key} ${value}\n\nget ${key}\n\n`,
  );
  const { code } = await program.end();
  assert.equal(code, 0, program.stderr);
  return program.stdout.startsWith("SUCCESS");
}

async function read(setting: LockSetting, key: string): Promise<string> {
  return (await setting.cluster.etcdctl("get", "--print-value-only", key)).trimEnd();
}

describe("the proof that a lock is held", { concurrency: true }, () => {
  it("can be asked of etcd", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    await lock.verify();
    await breakHolder(setting);
    await assert.rejects(lock.verify(), (error) => {
      assert.ok(error instanceof LockLostError);
      assert.equal(error.reason, "entry-deleted");
      return true;
    });
    assert.equal(lock.held, false);
    assert.equal(await lock.release(), false);
    await assert.rejects(lock.verify(), LockLostError);
    await using again = await setting.manager().acquire(setting.key);
    await again.release();
    await assert.rejects(again.verify(), NotHeldError);
  });

  it("is a condition for transactions of any client of etcd, such as etcdctl", async (t) => {
    const setting = setUp(t);
    const [first, second] = [setting.manager(), setting.manager()];
    const data = `${setting.key}data`;
    const lock = await first.acquire(setting.key);
    const guard = lock.guard();
    assert.equal(await putByEtcdctl(setting, guard, data, "one"), true);
    assert.equal(await read(setting, data), "one");
    await lock.setMetadata({ step: 2 });
    assert.equal(await putByEtcdctl(setting, guard, data, "two"), true);
    await lock.release();
    assert.equal(await putByEtcdctl(setting, guard, data, "three"), false);
    // Somebody else's, of the same name, is not the same.
    const next = await second.acquire(setting.key);
    assert.equal(await putByEtcdctl(setting, guard, data, "four"), false);
    assert.equal(await putByEtcdctl(setting, next.guard(), data, "five"), true);
    assert.equal(await read(setting, data), "five");
    await next.release();
    await setting.cluster.etcdctl("del", data);
  });

  it("goes with a write in one step", async (t) => {
    const setting = setUp(t);
    const data = `${setting.key}data`;
    const lock = await setting.manager().acquire(setting.key);
    await lock.put(data, "ä\n\0 { }");
    assert.equal(await setting.cluster.etcdctl("get", "--print-value-only", data), "ä\n\0 { }\n");
    await breakHolder(setting);
    await assert.rejects(lock.put(data, "too late"), LockLostError);
    assert.equal(await setting.cluster.etcdctl("get", "--print-value-only", data), "ä\n\0 { }\n");
    await lock.release();
    await assert.rejects(lock.put(data, "much too late"), LockLostError);
    await setting.cluster.etcdctl("del", data);
  });

  it("goes with operations under conditions of the caller's own", async (t) => {
    const setting = setUp(t);
    const [a, b] = [`${setting.key}a`, `${setting.key}b`];
    await using lock = await setting.manager().acquire(setting.key);
    const put = (key: string, value: string) => ({ kind: "put", key, value, leaseId: 0n }) as const;
    const absent = { key: a, of: "create-revision", is: "equal", to: 0n } as const;
    const results = await lock.transact({ compare: [absent], success: [put(a, "1"), put(b, "2")] });
    assert.deepEqual(
      results?.map(({ kind }) => kind),
      ["put", "put"],
    );
    assert.equal(await lock.transact({ compare: [absent], success: [put(a, "3")] }), undefined);
    assert.equal(lock.held, true);
    const found = await lock.transact({
      compare: [],
      success: [
        { kind: "range", key: a },
        { kind: "delete", key: b },
      ],
    });
    const [range, removed] = found ?? [];
    assert.ok(range?.kind === "range" && removed?.kind === "delete");
    assert.deepEqual([Buffer.from(range.keyValues[0]?.value ?? []).toString(), removed.deleted], ["1", 1]);
    await setting.cluster.etcdctl("del", a);
  });
});

describe("metadata", { concurrency: true }, () => {
  it("can be changed while the lock is held, which keeps its place, its lease and its tokens", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const lock = await manager.acquire(setting.key, { metadata: { step: 1 } });
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    const [before] = (await readLine(setting.cluster, setting.key)).entries;
    const recordBefore = await readOnlyRecord(setting.cluster, setting.key);
    await Promise.all([2, 3, 4].map((step) => lock.setMetadata({ step })));
    const [after] = (await readLine(setting.cluster, setting.key)).entries;
    const recordAfter = await readOnlyRecord(setting.cluster, setting.key);
    assert.deepEqual(
      [after?.key, after?.lease, after?.createRevision],
      [before?.key, before?.lease, before?.createRevision],
    );
    assert.deepEqual(
      [recordAfter.lease, recordAfter.createRevision],
      [recordBefore.lease, recordBefore.createRevision],
    );
    assert.ok(after && before && after.modRevision > before.modRevision);
    const [entry] = (await waiter.inspect(setting.key)).entries;
    assert.deepEqual([entry?.state, entry?.metadata], ["holding", { step: 4 }]);
    await lock.renew();
    await lock.verify();
    assert.equal(lock.held, true);
    assert.equal(await lock.release(), true);
    await (await within(3_000, "the waiter's turn", turn)).release();
  });

  it("is not mistaken for somebody else's by renewals that are answered late", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    await using lock = await manager.acquire(setting.key);
    // Renewing one lock renews all of its manager.
    await using other = await manager.acquire(`${setting.key}other`);
    let isOver = false;
    const renewals = [1, 2, 3].map(async () => {
      while (!isOver) await other.renew();
    });
    for (let step = 0; step < 200; step += 1) await lock.setMetadata({ step });
    isOver = true;
    await Promise.all(renewals);
    await lock.verify();
    assert.equal(lock.held, true);
  });

  it("is an object, of 8 KiB of JSON at most, and that of a holder", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    // @ts-expect-error no object
    await assert.rejects(lock.setMetadata("text"), TypeError);
    await assert.rejects(lock.setMetadata({ large: "x".repeat(8_192) }), RangeError);
    await lock.setMetadata({ large: "x".repeat(8_000) });
    await lock.release();
    await assert.rejects(lock.setMetadata({}), NotHeldError);
  });

  it("that somebody else wrote into the entry is a loss", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    const entry = await readOnlyEntry(setting.cluster, setting.key);
    await setting.cluster.etcdctl("put", "--ignore-lease", entry.key, entry.value);
    await assert.rejects(lock.setMetadata({ mine: true }), (error) => {
      assert.ok(error instanceof LockLostError);
      assert.equal(error.reason, "entry-overwritten");
      return true;
    });
    assert.equal(await lock.release(), false);
    await setting.cluster.etcdctl("del", entry.key);
  });
});

describe("breaking a lock", { concurrency: true }, () => {
  it("takes it from exactly the holder with that fencing token", async (t) => {
    const setting = setUp(t);
    const [first, second, operator] = [setting.manager(), setting.manager(), setting.manager()];
    const lock = await first.acquire(setting.key);
    const turn = second.acquire(setting.key);
    await isWaiting(second);
    for (const fencingToken of [0n, 1n, lock.fencingToken - 1n, lock.fencingToken + 1n]) {
      assert.equal(await operator.breakLock(setting.key, { fencingToken }), false);
    }
    const [, waiting] = (await operator.inspect(setting.key)).entries;
    assert.equal(await operator.breakLock(setting.key, { fencingToken: waiting?.createRevision ?? 0n }), false);
    await lock.verify();
    const told = new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
    assert.equal(await operator.breakLock(setting.key, lock), true);
    await within(2_000, "the holder is told", told);
    assert.ok(lock.signal.reason instanceof LockLostError);
    // He has not said yet that he has stopped.
    assert.deepEqual(
      (await operator.inspect(setting.key)).entries.map(({ state }) => state),
      ["orphan", "waiting"],
    );
    assert.equal(await lock.release(), false);
    const next = await within(1_000, "the next one's turn", turn);
    assert.equal(await operator.breakLock(setting.key, lock), false);
    await next.verify();
    assert.ok(next.fencingToken > lock.fencingToken);
    await next.release();
  });

  it("leaves others who share it alone", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const readers = await Promise.all([1, 2, 3].map(() => manager.acquire(setting.key, { mode: "shared" })));
    const [broken, ...others] = readers;
    assert.ok(broken);
    assert.equal(await setting.manager().breakLock(setting.key, broken), true);
    await assert.rejects(broken.verify(), LockLostError);
    for (const reader of others) await reader.verify();
    assert.deepEqual(await Promise.all(readers.map((reader) => reader.release())), [false, true, true]);
  });

  it("of etcdctl's, by the create revision, lets the next one in", async (t) => {
    const setting = setUp(t);
    await using foreign = startEtcdctlLock(setting.cluster, setting.key, { ttl: 2 });
    await foreign.held();
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await setting.lineLength(2);
    const [entry] = (await waiter.inspect(setting.key)).entries;
    assert.deepEqual([entry?.foreign, entry?.fencingToken], [true, undefined]);
    assert.equal(await waiter.breakLock(setting.key, { fencingToken: entry?.createRevision ?? 0n }), true);
    await (await within(2_000, "our turn", turn)).release();
  });

  it("wants the whole token", async (t) => {
    const setting = setUp(t);
    // @ts-expect-error a number is not large enough
    await assert.rejects(setting.manager().breakLock(setting.key, { fencingToken: 1 }), TypeError);
  });
});
