import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Transaction } from "#dist/etcd/etcd-client.js";
import type { Line, LockManager } from "#dist/index.js";
import { withClient } from "../support/altered-client.ts";
import { within } from "../support/eventually.ts";
import { closedGate } from "../support/gate.ts";
import { etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";

const setUp = etcdOfFile();

test("contenders of one process follow each other in the order of entering, with growing tokens", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager();
  const first = await manager.acquire(setting.key);
  const order: number[] = [];
  const tokens: bigint[] = [first.fencingToken];
  const waits: Promise<void>[] = [];
  for (let index = 0; index < 50; index += 1) {
    const waiting = isWaiting(manager);
    waits.push(
      manager.withLock(setting.key, (lock) => {
        lock.assertHeld();
        order.push(index);
        tokens.push(lock.fencingToken);
      }),
    );
    await waiting;
  }
  await first.release();
  await within(20_000, "all have held", Promise.all(waits));
  assert.deepEqual(order, [...order.keys()]);
  assert.ok(tokens.every((token, index) => index === 0 || token > (tokens[index - 1] ?? 0n)));
});

test("a waiter that gives up while the lock is handed to it leaves nothing behind, and the next one gets it", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager();
  for (let round = 0; round < 30; round += 1) {
    const held = await manager.acquire(setting.key);
    const controller = new AbortController();
    const waiting = isWaiting(manager);
    const outcome = manager.acquire(setting.key, { signal: controller.signal }).then(
      (lock) => lock.release(),
      (error: unknown) => String(error),
    );
    await waiting;
    const alsoWaiting = isWaiting(manager);
    const next = manager.acquire(setting.key);
    await alsoWaiting;
    const release = held.release();
    // Before, during or after the hand-over, as it happens.
    if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, round % 3));
    controller.abort(new Error("gives up"));
    await release;
    assert.ok([true, "Error: gives up"].includes(await outcome));
    await (await within(5_000, "the next one holds", next)).release();
    assert.deepEqual((await manager.inspect(setting.key)).entries, []);
  }
});

test("a successor whose entry was deleted is passed over, and takes its place at the end again", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager();
  const held = await manager.acquire(setting.key);
  const waiting = isWaiting(manager);
  const wait = manager.acquire(setting.key);
  await waiting;
  const [, entry] = (await manager.inspect(setting.key)).entries;
  assert.ok(entry);
  await setting.cluster.etcdctl("del", entry.key);
  assert.equal(await held.release(), true);
  const lock = await within(5_000, "the waiter holds after all", wait);
  assert.ok(lock.createRevision > entry.createRevision);
  await lock.release();
});

test("a lock that is given back while etcd begins to watch is had without waiting for etcd to tell", async (t) => {
  const setting = setUp(t);
  const held = await setting.manager().acquire(setting.key);
  const asked: string[] = [];
  const waiter = setting.manager(
    {},
    withClient((client) => {
      const { transact, watch } = client;
      client.transact = (transaction, options) => {
        asked.push(transaction.success.map(({ kind }) => kind).join());
        return transact.call(client, transaction, options);
      };
      // etcd has chosen the revision; then the lock is given back; then etcd begins to watch.
      client.watch = (target, { onConfirmed }) => {
        const giveBack = async (revision: bigint): Promise<void> => {
          await held.release();
          onConfirmed(revision);
        };
        return watch.call(client, target, { onConfirmed: (revision) => void giveBack(revision), onChange: () => {} });
      };
    }),
  );
  await within(20_000, "the waiter holds", waiter.acquire(setting.key));
  // It was not let in by the look at the line that everybody takes who has heard nothing for a second.
  assert.deepEqual(asked.slice(-2), ["put,put", "put"]);
});

test("one who enters behind one who is about to hold need not wait for etcd to tell, either", async (t) => {
  const setting = setUp(t);
  const held = await setting.manager().acquire(setting.key);
  const isEntering = closedGate();
  const mayEnter = closedGate();
  const ahead = setting.manager(
    {},
    withClient((client) => {
      const { transact } = client;
      client.transact = async (transaction, options) => {
        if (isConfirmation(transaction)) {
          isEntering.open();
          await mayEnter.opened;
        }
        return await transact.call(client, transaction, options);
      };
    }),
  );
  const aheadWaits = isWaiting(ahead);
  const isOver = ahead.withLock(setting.key, () => {});
  await aheadWaits;
  await held.release();
  await isEntering.opened;
  const waiter = setting.manager(
    {},
    withClient((client) => {
      const { watch } = client;
      client.watch = (target, { onConfirmed }) => {
        const letPass = async (revision: bigint): Promise<void> => {
          mayEnter.open();
          await isOver;
          onConfirmed(revision);
        };
        return watch.call(client, target, { onConfirmed: (revision) => void letPass(revision), onChange: () => {} });
      };
    }),
  );
  // It was not let in by the look at the line that everybody takes who has heard nothing for 8 s.
  await within(1_500, "the waiter holds", waiter.acquire(setting.key));
});

/** Whether it writes a hold record, and no entry with it. */
function isConfirmation({ success }: Transaction): boolean {
  return success.filter(({ kind }) => kind === "put").length === 1;
}

/** Somebody of another process, and what it wrote to be admitted. */
function elsewhere(setting: LockSetting): { readonly manager: LockManager; readonly confirmations: Transaction[] } {
  const confirmations: Transaction[] = [];
  const platform = withClient((client) => {
    const { transact } = client;
    client.transact = (transaction, options) => {
      if (isConfirmation(transaction)) confirmations.push(transaction);
      return transact.call(client, transaction, options);
    };
  });
  return { manager: setting.manager({}, platform), confirmations };
}

test("who knows who stands just behind admits that one as it leaves, also in another process", async (t) => {
  const setting = setUp(t);
  const first = await setting.manager().acquire(setting.key);
  const contenders = [elsewhere(setting), elsewhere(setting), elsewhere(setting)];
  const order: { readonly index: number; readonly wasAdmitted: boolean; readonly token: bigint }[] = [];
  const waits: Promise<void>[] = [];
  for (const [index, { manager, confirmations }] of contenders.entries()) {
    const waiting = isWaiting(manager);
    waits.push(
      manager.withLock(setting.key, async (lock) => {
        order.push({ index, wasAdmitted: confirmations.length === 0, token: lock.fencingToken });
        lock.assertHeld();
        await lock.verify();
        assert.deepEqual(states(await manager.inspect(setting.key)), ["holding", ...Array(2 - index).fill("waiting")]);
      }),
    );
    await waiting;
  }
  // Who is next looks each second; by then the others stand behind it.
  await delay(1_200);
  await first.release();
  await within(20_000, "all have held", Promise.all(waits));
  assert.deepEqual(
    order.map(({ index }) => index),
    [0, 1, 2],
  );
  // The first took the lock when it was free: nobody was behind it then.
  assert.deepEqual(
    order.slice(0, 2).map(({ wasAdmitted }) => wasAdmitted),
    [false, true],
  );
  assert.ok(order.every(({ token }, index) => index === 0 || token > (order[index - 1]?.token ?? 0n)));
});

test("who hears late that another has admitted it does not count from then", async (t) => {
  const setting = setUp(t);
  const lateMs = 3_000;
  const ttlMs = 10_000;
  const first = await setting.manager().acquire(setting.key);
  const ahead = setting.manager();
  const aheadWaits = isWaiting(ahead);
  const isOver = ahead.withLock(setting.key, () => {});
  await aheadWaits;
  const waiter = setting.manager(
    { ttl: ttlMs / 1_000, refreshInterval: 500 },
    withClient((client) => {
      const { watch } = client;
      client.watch = (target, listener) =>
        watch.call(client, target, {
          onConfirmed: (revision) => listener.onConfirmed(revision),
          onChange: (events) => void delay(lateMs).then(() => listener.onChange(events)),
        });
    }),
  );
  // Its session is renewed all the time, so that only the lock's own age counts.
  const other = await waiter.acquire(`${setting.key}other`);
  const waiterWaits = isWaiting(waiter);
  const wait = waiter.acquire(setting.key);
  await waiterWaits;
  // Who is next looks each second; by then the waiter stands behind it.
  await delay(1_200);
  await first.release();
  await within(5_000, "the one ahead has held", isOver);
  const writtenAt = performance.now();
  const lock = await within(10_000, "the waiter holds", wait);
  assert.ok(performance.now() - writtenAt > lateMs / 2, "the waiter heard late");
  assert.ok(lock.remaining < ttlMs - (performance.now() - writtenAt));
  await Promise.all([lock.release(), other.release()]);
});

test("who is admitted by another, and gives up at that moment, leaves nothing behind, and the next one gets it", async (t) => {
  const setting = setUp(t);
  for (let round = 0; round < 6; round += 1) {
    const first = await setting.manager().acquire(setting.key);
    const [second, third, fourth] = [setting.manager(), setting.manager(), setting.manager()];
    const secondWaits = isWaiting(second);
    const secondHolds = second.acquire(setting.key);
    await secondWaits;
    const controller = new AbortController();
    const thirdWaits = isWaiting(third);
    const thirdOutcome = third.acquire(setting.key, { signal: controller.signal }).then(
      (lock) => lock.release(),
      (error: unknown) => String(error),
    );
    await thirdWaits;
    const fourthWaits = isWaiting(fourth);
    const fourthHolds = fourth.acquire(setting.key);
    await fourthWaits;
    await delay(1_200);
    await first.release();
    const held = await within(5_000, "the second holds", secondHolds);
    const release = held.release();
    // Before, during or after the hand-over, as it happens.
    if (round % 3 > 0) await delay(round % 3);
    controller.abort(new Error("gives up"));
    await release;
    assert.ok([true, "Error: gives up"].includes(await thirdOutcome));
    await (await within(10_000, "the fourth holds", fourthHolds)).release();
    assert.deepEqual((await fourth.inspect(setting.key)).entries, []);
  }
});

test("who was admitted by another, and is dead, is outlived", async (t) => {
  const setting = setUp(t);
  const first = await setting.manager().acquire(setting.key);
  const [second, fourth] = [setting.manager(), setting.manager({ ttl: 2 })];
  const secondWaits = isWaiting(second);
  const secondHolds = second.acquire(setting.key);
  await secondWaits;
  const proxy = await setting.proxy();
  const dying = setting.manager({ endpoints: [proxy.endpoint], ttl: 2 });
  const dyingWaits = isWaiting(dying);
  const outcome = dying.acquire(setting.key).catch((error: unknown) => error);
  await dyingWaits;
  const fourthWaits = isWaiting(fourth);
  const fourthHolds = fourth.acquire(setting.key);
  await fourthWaits;
  await delay(1_200);
  proxy.hold();
  await first.release();
  await (await within(5_000, "the second holds", secondHolds)).release();
  const [ahead] = (await second.inspect(setting.key)).entries;
  assert.equal(ahead?.state, "holding");
  const lock = await within(30_000, "the fourth holds", fourthHolds);
  assert.ok(lock.fencingToken > (ahead.fencingToken ?? 0n));
  await lock.release();
  await proxy.resume();
  await dying.close();
  await outcome;
});

function states({ entries }: Line): readonly string[] {
  return entries.map(({ state }) => state);
}
