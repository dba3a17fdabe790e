import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually, within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";
import { readGrantedTtl, readLine, readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

function assertGrowing(tokens: readonly bigint[]): void {
  for (const [index, token] of tokens.slice(1).entries()) assert.ok(token > (tokens[index] ?? 0n), `${tokens}`);
}

describe("taking a lock", { concurrency: true }, () => {
  it("resolves to the lock itself, which is held from then on until it is given back", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    assert.deepEqual([lock.held, lock.fencingToken, lock.signal.aborted], [false, undefined, false]);
    assert.equal(await lock.lock(), lock);
    const entry = await readOnlyEntry(setting.cluster, setting.key);
    const record = await readOnlyRecord(setting.cluster, setting.key);
    assert.equal(entry.key, `${setting.key}/${entry.lease}`);
    assert.equal(record.key, `${setting.key}!${entry.lease}`);
    assert.notEqual(record.lease, entry.lease);
    assert.equal(JSON.parse(entry.value).id, "tester");
    assert.deepEqual([lock.held, lock.fencingToken, lock.signal.aborted], [true, record.createRevision, false]);
    await lock.unlock();
    assert.deepEqual([lock.held, lock.fencingToken, lock.signal.aborted], [false, undefined, false]);
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
  });

  it("waits in line for as long as somebody else holds", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const lock = setting.lock();
    const taken = lock.lock();
    await setting.lineLength(2);
    assert.equal(lock.held, false);
    assert.equal(await Promise.race([taken, delay(300, "waits")]), "waits");
    await holder.release();
    await within(2_000, "our turn", taken);
    assert.equal(lock.held, true);
  });

  it("is one wait for several calls at the same time, and one unlock is enough", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const lock = setting.lock();
    const calls = [lock.lock(), lock.lock(), lock.lock()];
    await setting.lineLength(2);
    const late = lock.lock();
    await holder.release();
    assert.deepEqual(new Set(await Promise.all([...calls, late])), new Set([lock]));
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    await lock.unlock();
    assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
    assert.equal(lock.held, false);
  });

  it("refreshes a lock that is held: its record is written anew, its place and token stay", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    const before = await readOnlyRecord(setting.cluster, setting.key);
    const token = lock.fencingToken;
    await lock.lock();
    const after = await readOnlyRecord(setting.cluster, setting.key);
    assert.ok(after.modRevision > before.modRevision);
    assert.deepEqual([after.createRevision, lock.fencingToken], [before.createRevision, token]);
    await Promise.all([lock.lock(), lock.lock()]);
    assert.equal(lock.held, true);
  });

  it("takes over a changed ttl while held, without leaving the line or losing the lock", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    const { signal, fencingToken } = lock;
    const before = await readOnlyEntry(setting.cluster, setting.key);
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    for (const ttl of [7, 90]) {
      lock.ttl = ttl;
      await lock.lock();
      const [entry] = (await readLine(setting.cluster, setting.key)).entries;
      assert.ok(entry);
      assert.equal(entry.createRevision, before.createRevision);
      assert.equal(await readGrantedTtl(setting.cluster, entry), ttl);
      assert.deepEqual([lock.held, lock.fencingToken, lock.signal], [true, fencingToken, signal]);
    }
    assert.equal(await Promise.race([turn, delay(100, "still waits")]), "still waits");
    await lock.unlock();
    await (await within(2_000, "the waiter's turn", turn)).release();
    assert.equal(signal.aborted, false);
  });

  it("keeps a lock whose ttl was made shorter alive, and no longer than that when its owner is gone", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    lock.ttl = 2;
    await lock.lock();
    const { version } = await readOnlyRecord(setting.cluster, setting.key);
    await eventually(
      "it has been renewed several times",
      () => readOnlyRecord(setting.cluster, setting.key),
      (record) => record.version >= version + 3,
      10_000,
    );
    assert.equal(lock.held, true);
    assert.equal(await readGrantedTtl(setting.cluster, await readOnlyEntry(setting.cluster, setting.key)), 2);
  });

  it("takes over a changed refreshInterval while held", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    assert.equal(lock.refreshInterval, 30_000);
    lock.refreshInterval = 50;
    await lock.lock();
    await eventually(
      "it is renewed every 50 ms, and not every 30 s",
      () => readOnlyRecord(setting.cluster, setting.key),
      ({ version }) => version >= 6,
    );
  });

  it("works again after an unlock, with a larger token, another signal, and a ttl set in between", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    const tokens: bigint[] = [];
    const signals = new Set<AbortSignal>();
    for (const ttl of [5, 5, 20]) {
      lock.ttl = ttl;
      await lock.lock();
      tokens.push(lock.fencingToken ?? 0n);
      signals.add(lock.signal);
      assert.equal(await readGrantedTtl(setting.cluster, await readOnlyEntry(setting.cluster, setting.key)), ttl);
      await lock.unlock();
    }
    assertGrowing(tokens);
    assert.equal(signals.size, 3);
  });

  it("is exclusive also between two locks with the same id in one process, which share one session", async (t) => {
    const setting = setUp(t);
    const [first, second] = [setting.lock({ id: "same" }), setting.lock({ id: "same" })];
    await first.lock();
    const taken = second.lock();
    await setting.lineLength(2);
    const { entries } = await readLine(setting.cluster, setting.key);
    assert.equal(new Set(entries.map(({ lease }) => lease)).size, 1);
    assert.deepEqual([first.held, second.held], [true, false]);
    const firstToken = first.fencingToken ?? 0n;
    await first.unlock();
    await within(2_000, "the turn of the second", taken);
    assert.deepEqual([first.held, second.held], [false, true]);
    assert.ok((second.fencingToken ?? 0n) > firstToken);
  });

  it("hands out tokens that grow from holder to holder, whoever they are", async (t) => {
    const setting = setUp(t);
    const locks = [1, 2, 3, 4].map(() => setting.lock());
    const manager = setting.manager();
    const tokens: bigint[] = [];
    const turns = locks.map(async (lock) => {
      await lock.lock();
      tokens.push(lock.fencingToken ?? 0n);
      await lock.unlock();
    });
    const others = [1, 2, 3].map(async () => {
      const held = await manager.acquire(setting.key);
      tokens.push(held.fencingToken);
      await held.release();
    });
    await Promise.all([...turns, ...others]);
    assert.equal(tokens.length, 7);
    assertGrowing(tokens);
  });
});
