import assert from "node:assert/strict";
import { test } from "node:test";
import { withClient } from "../support/altered-client.ts";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";

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
