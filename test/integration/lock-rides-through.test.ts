import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { EtcdMember } from "#dist/testing/index.js";
import { compact } from "../support/etcd-space.ts";
import { eventually, within } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import { collectErrors, etcdOfFile, etcdOfTest, isWaiting } from "../support/lock-setting.ts";
import { readLine, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Ends etcd at once, and starts it again with its data after `downMs`. */
async function restart(member: EtcdMember, downMs: number): Promise<void> {
  await member.kill();
  await delay(downMs);
  await member.start();
}

describe("a held lock with a TTL of 5 survives", { concurrency: true }, () => {
  it("a restart of its only etcd in 1 s, with who waits behind it", async (t) => {
    const setting = await etcdOfTest(t);
    const lock = setting.lock();
    const errors = collectErrors(lock);
    await lock.lock();
    const token = lock.fencingToken;
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    const [, place] = (await readLine(setting.cluster, setting.key)).entries;
    await restart(setting.member, 1_000);
    await lock.lock();
    await delay(5_000);
    assert.deepEqual([lock.held, lock.fencingToken, errors], [true, token, []]);
    assert.equal((await readLine(setting.cluster, setting.key)).entries[1]?.createRevision, place?.createRevision);
    await lock.unlock();
    await within(2_000, "the turn of the waiter", turn);
  });

  it("compaction of all that it has written, and so does the wait behind it", async (t) => {
    const setting = await etcdOfTest(t);
    const lock = setting.lock({ ttl: 2 });
    const errors = collectErrors(lock);
    await lock.lock();
    const waiter = setting.manager({ ttl: 2 });
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    for (let round = 0; round < 4; round += 1) {
      await lock.lock();
      await compact(setting.cluster);
      await delay(600);
    }
    assert.deepEqual([lock.held, errors], [true, []]);
    await Promise.all([lock.unlock(), compact(setting.cluster)]);
    await within(2_000, "the turn of the waiter", turn);
  });

  it("an answer that is lost, and so do keys of the caller's own on its lease", async (t) => {
    const setting = await etcdOfTest(t);
    const manager = setting.manager({ ttl: 10 });
    const lock = await manager.acquire(setting.key);
    const lease = lock.leaseId.toString(16);
    const keys = [`${setting.key}-members/me`, `${setting.key}-members/${lease}`];
    await lock.put(`${setting.key}-of-nobody`, "stays");
    for (const key of keys) await setting.cluster.etcdctl("put", `--lease=${lease}`, "--", key, "here");
    setting.member.pause();
    const other = manager.acquire(`${setting.key}-other`);
    await delay(1_500);
    setting.member.resume();
    await (await other).release();
    // The look for what a lost request has written comes with a renewal.
    await lock.renew();
    assert.deepEqual(new Set(await listKeys(setting.cluster, `${setting.key}-members/`)), new Set(keys));
    assert.equal(lock.held, true);
    await lock.release();
  });

  it("a half-open connection, which is left for another", async (t) => {
    const setting = setUp(t);
    const [first, second] = [await setting.proxy(), await setting.proxy()];
    const lock = setting.lock({ etcd: [first.endpoint, second.endpoint] });
    const errors = collectErrors(lock);
    await lock.lock();
    const used = first.open > 0 ? first : second;
    used.hold();
    const { version } = await readOnlyRecord(setting.cluster, setting.key);
    await eventually(
      "it is renewed elsewhere",
      () => readOnlyRecord(setting.cluster, setting.key),
      (record) => record.version > version,
    );
    await delay(5_000);
    assert.deepEqual([lock.held, errors], [true, []]);
    await lock.unlock();
  });

  it("a half-open connection to the only address, which is made anew", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint });
    const errors = collectErrors(lock);
    await lock.lock();
    const { version } = await readOnlyRecord(setting.cluster, setting.key);
    proxy.strand();
    await eventually(
      "it is renewed",
      () => readOnlyRecord(setting.cluster, setting.key),
      (record) => record.version > version,
    );
    assert.deepEqual([lock.held, errors], [true, []]);
    await lock.unlock();
  });
});

describe("a waiter is served within 2 s", { concurrency: true }, () => {
  for (const [fault, inject] of [
    ["the connection was cut", "cut"],
    ["the network swallowed everything", "hold"],
    ["the network swallowed the answers", "dropAnswers"],
  ] as const) {
    it(`after ${fault}, for longer than the TTL, and the lock became free meanwhile`, async (t) => {
      const setting = setUp(t);
      const holder = await setting.heldElsewhere();
      const proxy = await setting.proxy();
      const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 2 });
      const turn = manager.acquire(setting.key);
      await isWaiting(manager);
      proxy[inject]();
      await holder.release();
      await delay(4_000);
      await proxy.resume();
      const held = await within(2_000, "the turn", turn);
      assert.equal(held.held, true);
      await held.verify();
    });
  }

  it("of the lock becoming free, although the connection is half open: another is found", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const [first, second] = [await setting.proxy(), await setting.proxy()];
    const manager = setting.manager({ endpoints: [first.endpoint, second.endpoint], ttl: 5 });
    const turn = manager.acquire(setting.key);
    await isWaiting(manager);
    const used = first.open > 0 ? first : second;
    used.hold();
    await holder.release();
    const held = await within(2_500, "the turn", turn);
    assert.equal(held.held, true);
  });

  it("of the lock becoming free, although its only connection is half open", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 5 });
    const turn = manager.acquire(setting.key);
    await isWaiting(manager);
    proxy.strand();
    await holder.release();
    const held = await within(2_500, "the turn", turn);
    assert.equal(held.held, true);
  });

  it("of the network healing, although it swallowed the first packet of the connection for good", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    proxy.hold();
    const taken = setting.manager({ endpoints: proxy.endpoint, ttl: 5 }).acquire(setting.key);
    await eventually(
      "it connects",
      () => proxy.open,
      (open) => open > 0,
    );
    await delay(1_500);
    proxy.strand();
    const held = await within(2_000, "the lock", taken);
    assert.equal(held.held, true);
  });

  it("after etcd was down for longer than every TTL: the holder has lost, and the lock goes on", async (t) => {
    const setting = await etcdOfTest(t);
    const lock = setting.lock({ ttl: 2 });
    const errors = collectErrors(lock);
    await lock.lock();
    const manager = setting.manager({ ttl: 2 });
    const turn = manager.acquire(setting.key);
    await isWaiting(manager);
    await setting.member.kill();
    await eventually(
      "the holder is told",
      () => errors.length,
      (count) => count === 1,
    );
    await delay(2_000);
    await setting.member.start();
    // The lease of the holder begins anew with etcd's start, so that its entry goes only a TTL later, unless it says so.
    await assert.rejects(lock.unlock(), { code: "NOT_HELD" });
    const held = await within(2_000, "the turn", turn);
    assert.equal(held.held, true);
    assert.equal(errors.length, 1);
  });

  it("by an etcd that was frozen for longer than the TTL, if the lock is free", async (t) => {
    const setting = await etcdOfTest(t);
    const holder = await setting.manager({ ttl: 10 }).acquire(setting.key);
    const manager = setting.manager({ ttl: 2 });
    const turn = manager.acquire(setting.key);
    await isWaiting(manager);
    setting.member.pause();
    await delay(4_000);
    setting.member.resume();
    await holder.release();
    const held = await within(2_000, "the turn", turn);
    await held.verify();
  });

  it("and so is everybody who came while etcd was away, one after the other", async (t) => {
    const setting = await etcdOfTest(t);
    await setting.member.kill();
    const manager = setting.manager({ ttl: 5 });
    const served: number[] = [];
    const turns = [1, 2, 3].map(async (number) => {
      const held = await manager.acquire(setting.key);
      served.push(number);
      await held.release();
    });
    await delay(1_000);
    await setting.member.start();
    await within(3_000, "everybody's turn", Promise.all(turns));
    assert.equal(served.length, 3);
  });
});

describe("a lock that was free is certain when lock() fulfils,", { concurrency: true }, () => {
  for (const [fault, inject] of [
    ["the connection was cut", "cut"],
    ["the network swallowed everything", "hold"],
    ["the network swallowed the answers", "dropAnswers"],
  ] as const) {
    it(`although ${fault} meanwhile for longer than the TTL`, async (t) => {
      const setting = setUp(t);
      const proxy = await setting.proxy();
      const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 2 });
      // The session is there, so that it is the lock that is asked for.
      const other = await manager.acquire(`${setting.key}other`);
      proxy[inject]();
      const taken = manager.acquire(setting.key);
      await delay(3_000);
      assert.equal(other.signal.aborted, true);
      await proxy.resume();
      const held = await within(5_000, "the lock", taken);
      assert.ok(held.remaining > 0);
      await held.verify();
      await delay(2_500);
      await held.verify();
    });
  }
});

describe("a lock whose answer was lost", () => {
  it("is taken all the same, and is certain from then on: what became of the request is read", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint });
    await manager.acquire(`${setting.key}other`);
    proxy.dropAnswers();
    const taken = manager.acquire(setting.key);
    await setting.lineLength(1);
    const { createRevision } = await readOnlyRecord(setting.cluster, setting.key);
    await proxy.resume();
    const held = await within(2_000, "the lock", taken);
    assert.ok(held.remaining > 3_000);
    assert.equal(held.fencingToken, createRevision);
    await held.verify();
  });
});
