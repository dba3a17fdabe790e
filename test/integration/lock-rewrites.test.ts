import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { setTimeout as delay, setImmediate as nextRound } from "node:timers/promises";
import { EtcdUnavailableError, type HeldLock, type Lock, type LockManager, NotHeldError } from "#dist/index.js";
import { withClient } from "../support/altered-client.ts";
import { eventually, within } from "../support/eventually.ts";
import { closedGate } from "../support/gate.ts";
import { collectErrors, etcdOfFile, type LockSetting } from "../support/lock-setting.ts";
import { readGrantedTtl, readKeys, readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Lets so many steps of what is under way happen, none of which waits for anything. */
async function steps(count: number): Promise<void> {
  for (let step = 0; step < count; step += 1) await Promise.resolve();
}

/** How many steps a release comes after the beginning of a change: something else each time. */
const offsets = Array.from({ length: 24 }, (_, index) => index % 12);

/** Changes the TTL of a lock that is held. */
async function changeTtl(lock: Lock, ttl: number): Promise<void> {
  lock.ttl = ttl;
  await lock.lock();
}

describe("a lock that is given back while it is being changed leaves nothing behind", { concurrency: true }, () => {
  it("when its metadata are", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    // Keeps the session, with whose leases everything would go.
    await manager.acquire(`${setting.key}other`);
    for (const [index, offset] of offsets.entries()) {
      const lock = await manager.acquire(`${setting.key}${index}`);
      const change = lock.setMetadata({ index }).catch((error) => assert.ok(error instanceof NotHeldError, error));
      await steps(offset);
      assert.equal(await lock.release(), true);
      await change;
      assert.deepEqual(await readKeys(setting.cluster, `${setting.key}${index}`), []);
    }
  });

  it("when its TTL is", async (t) => {
    const setting = setUp(t);
    for (const ttl of [5, 7]) await setting.lock({ key: `${setting.key}other${ttl}`, ttl }).lock();
    for (const [index, offset] of offsets.entries()) {
      const key = `${setting.key}${index}`;
      const lock = setting.lock({ key });
      await lock.lock();
      const change = changeTtl(lock, 7).catch((error) => assert.ok(error instanceof NotHeldError, error));
      await steps(offset);
      await lock.unlock();
      await change;
      assert.deepEqual(await readKeys(setting.cluster, key), []);
    }
  });
});

it("what somebody else writes into the entry while it is being changed is a loss, whoever sees it first", async (t) => {
  const setting = setUp(t);
  const [isLooking, isOverwritten, hasSeen] = [closedGate(), closedGate(), closedGate()];
  const manager = setting.manager(
    {},
    withClient((client) => {
      const { transact, watch } = client;
      // As if it had been written before the watch stood.
      client.watch = (target, { onConfirmed }) => watch.call(client, target, { onConfirmed, onChange: () => {} });
      client.transact = async (transaction, options) => {
        const isLook = transaction.line === undefined && transaction.success.some(({ kind }) => kind === "transaction");
        const isChange = transaction.success.length === 2 && transaction.compare.length === 3;
        if (isLook) {
          isLooking.open();
          await isOverwritten.opened;
        }
        if (isChange) await hasSeen.opened;
        const answer = await transact.call(client, transaction, options);
        if (isLook) setImmediate(hasSeen.open);
        return answer;
      };
    }),
  );
  const lock = await manager.acquire(setting.key);
  const entry = await readOnlyEntry(setting.cluster, setting.key);
  await within(20_000, "the look at the entry, once it is watched", isLooking.opened);
  await setting.cluster.etcdctl("put", "--ignore-lease", entry.key, entry.value);
  const change = lock.setMetadata({ step: 2 });
  isOverwritten.open();
  await within(20_000, "the change is refused", assert.rejects(change, { reason: "entry-overwritten" }));
  assert.equal(lock.held, false);
  await setting.cluster.etcdctl("del", entry.key);
});

describe("a lock that is to be kept from others for a while", { concurrency: true }, () => {
  const atLeast = 10_000;

  /** Takes and gives back locks while they are being changed, and checks that only the entries of all of them are left. */
  async function assertKept(
    { cluster, key }: LockSetting,
    manager: LockManager,
    change: (lock: HeldLock) => Promise<void>,
  ): Promise<void> {
    for (const [index, offset] of offsets.entries()) {
      const lock = await manager.acquire(`${key}${index}`, { atLeast });
      const changed = change(lock).catch((error) => assert.ok(error instanceof NotHeldError, error));
      await steps(offset);
      assert.equal(await lock.release(), true);
      await changed;
    }
    const left = (await readKeys(cluster, key)).map((stored) => stored.key.replace(/[0-9a-f]+(-\w+)?$/, ""));
    assert.deepEqual(
      new Set(left.filter((place) => !place.startsWith(`${key}other`))),
      new Set(offsets.map((_, index) => `${key}${index}/`)),
    );
  }

  it("is, also when it is given back while its metadata are being changed", async (t) => {
    const setting = setUp(t);
    await assertKept(setting, setting.manager(), (lock) => lock.setMetadata({ isChanged: true }));
  });

  it("is, also when it is given back while its TTL is being changed", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    await manager.acquire(`${setting.key}other`, { ttl: 7 });
    await assertKept(setting, manager, (lock) => manager.changeTtl(lock, 7));
  });
});

describe("a change of the TTL", { concurrency: true }, () => {
  it("to a shorter one: the signal aborts in time for it when etcd falls silent", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint, ttl: 60 });
    const errors = collectErrors(lock);
    await lock.lock();
    await changeTtl(lock, 3);
    const next = setting.lock();
    const turn = next.lock();
    await setting.lineLength(2);
    proxy.hold();
    await within(15_000, "the next one's turn", turn);
    assert.equal(lock.signal.aborted, true);
    assert.deepEqual(
      errors.map(({ reason }) => reason),
      ["deadline"],
    );
  });

  it("to one that is over already since the last renewal does not lose the lock", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    const errors = collectErrors(lock);
    await lock.lock();
    await delay(3_100);
    let isUnderWay = true;
    const change = changeTtl(lock, 3).finally(() => {
      isUnderWay = false;
    });
    while (isUnderWay) {
      assert.equal(lock.held, true);
      await nextRound();
    }
    await change;
    assert.deepEqual([lock.held, errors], [true, []]);
  });

  it("that etcd did not answer does not lose the lock: it is renewed as often as the new TTL needs", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const other = setting.lock({ etcd: proxy.endpoint, key: `${setting.key}other`, ttl: 8 });
    const lock = setting.lock({ etcd: proxy.endpoint, ttl: 60 });
    const errors = collectErrors(lock);
    await other.lock();
    await lock.lock();
    const before = await readOnlyRecord(setting.cluster, setting.key);
    proxy.cut();
    await assert.rejects(changeTtl(lock, 8), EtcdUnavailableError);
    assert.equal(lock.held, true);
    await proxy.resume();
    await eventually(
      "the lock is renewed",
      () => readOnlyRecord(setting.cluster, setting.key),
      ({ modRevision }) => modRevision > before.modRevision,
    );
    assert.deepEqual([lock.held, errors], [true, []]);
    // What could not be done then can be done now.
    await lock.lock();
    assert.equal(await grantedTtl(setting), 8);
  });

  it("whose answer was lost does not lose the lock when another change follows, and leaves nothing behind", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const etcd = proxy.endpoint;
    // Their sessions are there, and stay.
    for (const ttl of [30, 40]) await setting.lock({ etcd, key: `${setting.key}other${ttl}`, ttl }).lock();
    const key = `${setting.key}changed`;
    const lock = setting.lock({ etcd, key, ttl: 20 });
    const errors = collectErrors(lock);
    await lock.lock();
    const before = await readOnlyEntry(setting.cluster, key);
    proxy.dropAnswers();
    await assert.rejects(changeTtl(lock, 30), EtcdUnavailableError);
    const after = await readOnlyEntry(setting.cluster, key);
    assert.notEqual(after.lease, before.lease);
    await proxy.resume();
    await changeTtl(lock, 40);
    assert.deepEqual([lock.held, errors], [true, []]);
    assert.equal(await readGrantedTtl(setting.cluster, await readOnlyEntry(setting.cluster, key)), 40);
    await lock.unlock();
    assert.deepEqual(await readKeys(setting.cluster, key), []);
  });

  it("to a shorter one: that it is at risk is told in time for it", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 60 });
    const told: string[] = [];
    for (const name of ["atRisk", "lost"] as const) manager.on(name, () => told.push(name));
    const lock = await manager.acquire(setting.key);
    await manager.changeTtl(lock, 10);
    proxy.hold();
    await within(60_000, "the loss", once(manager, "lost"));
    assert.deepEqual(told, ["atRisk", "lost"]);
  });

  it("that comes while another is under way is taken over by the next lock()", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    const change = changeTtl(lock, 7);
    lock.ttl = 9;
    await change;
    await lock.lock();
    assert.equal(await grantedTtl(setting), 9);
  });
});

async function grantedTtl({ cluster, key }: LockSetting): Promise<number> {
  return await readGrantedTtl(cluster, await readOnlyEntry(cluster, key));
}

describe("a guarded write", { concurrency: true }, () => {
  it("has been done when put() resolves, also while the metadata are being changed", async (t) => {
    const setting = setUp(t);
    const data = `${setting.key}data`;
    const lock = await setting.manager().acquire(setting.key);
    for (const [index, offset] of offsets.entries()) {
      const change = lock.setMetadata({ index });
      await steps(offset);
      await lock.put(data, String(index));
      assert.deepEqual(
        (await readKeys(setting.cluster, data)).map(({ value }) => value),
        [String(index)],
      );
      await change;
    }
    assert.equal(lock.held, true);
    await setting.cluster.etcdctl("del", data);
  });

  it("is tried once: without an answer it may have been done, and says so", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const data = `${setting.key}data`;
    const lock = await setting.manager({ endpoints: proxy.endpoint, ttl: 10 }).acquire(setting.key);
    const absent = { key: data, of: "create-revision", is: "equal", to: 0n } as const;
    proxy.dropAnswers();
    const write = lock.transact({ compare: [absent], success: [{ kind: "put", key: data, value: "once" }] });
    const rejected = assert.rejects(write, EtcdUnavailableError);
    const written = await eventually(
      "it is written",
      () => readKeys(setting.cluster, data),
      (keys) => keys.length > 0,
    );
    await proxy.resume();
    await within(5_000, "the answer", rejected);
    assert.deepEqual(await readKeys(setting.cluster, data), written);
    assert.equal(lock.held, true);
    await setting.cluster.etcdctl("del", data);
  });
});
