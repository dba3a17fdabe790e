import assert from "node:assert/strict";
import { test } from "node:test";
import type { LockManager } from "#dist/index.js";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";

const setUp = etcdOfFile();

/** How many transactions, and messages about watches, this etcd has been sent. */
async function readCounts(endpoint: string): Promise<{ readonly transactions: number; readonly watches: number }> {
  const text = await (await fetch(`http://${endpoint}/metrics`)).text();
  const count = (label: string): number => {
    const lines = text.split("\n").filter((line) => line.startsWith("grpc_server_msg_received_total{"));
    return lines.filter((line) => line.includes(label)).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  return { transactions: count('grpc_method="Txn"'), watches: count('grpc_method="Watch"') };
}

/** Has each of `waiters` wait in turn, then lets all of them through. What etcd was asked for each hand-over. */
async function askedPerHandOver(holder: LockManager, waiters: readonly LockManager[], key: string, endpoint: string) {
  const held = await holder.acquire(key);
  const before = await readCounts(endpoint);
  const startedAt = performance.now();
  const turns: Promise<void>[] = [];
  for (const waiter of waiters) {
    const waiting = isWaiting(waiter);
    turns.push(waiter.withLock(key, (lock) => lock.assertHeld()));
    await waiting;
  }
  await held.release();
  await within(60_000, "all have held", Promise.all(turns));
  const after = await readCounts(endpoint);
  const seconds = (performance.now() - startedAt) / 1_000;
  // Whoever is next looks once a second, whatever it is told; everybody else every ten seconds.
  const byTime = seconds + (waiters.length * seconds) / 8;
  return {
    transactions: (after.transactions - before.transactions - byTime) / waiters.length,
    // Once it has looked, a waiter watches its own entry and the holder's record as well.
    watches: (after.watches - before.watches - 3 * byTime) / waiters.length,
  };
}

for (const count of [10, 100]) {
  test(`a hand-over between clients costs at most four requests, with ${count} waiters`, async (t) => {
    const setting = setUp(t);
    const managers = Array.from({ length: 10 }, () => setting.manager({ connectTimeout: 60_000 }));
    // In turns, so that every hand-over is from one client to another.
    const waiters = Array.from({ length: count / managers.length }, () => managers).flat();
    const asked = await askedPerHandOver(setting.manager(), waiters, setting.key, setting.cluster.endpoints[0] ?? "");
    t.diagnostic(`${asked.transactions.toFixed(2)} transactions, ${asked.watches.toFixed(2)} messages about watches`);
    assert.ok(asked.transactions <= 4, `${asked.transactions} transactions a hand-over`);
  });
}

test("a hand-over within one client costs two requests, and no watch", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager();
  const waiters = Array.from({ length: 50 }, () => manager);
  const asked = await askedPerHandOver(manager, waiters, setting.key, setting.cluster.endpoints[0] ?? "");
  t.diagnostic(`${asked.transactions.toFixed(2)} transactions, ${asked.watches.toFixed(2)} messages about watches`);
  assert.ok(asked.transactions <= 2.1, `${asked.transactions} transactions a hand-over`);
  assert.ok(asked.watches <= 0.5, `${asked.watches} messages about watches a hand-over`);
});

test("where contenders of one client take a lock again and again, giving it on and asking anew is one request", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager();
  const endpoint = setting.cluster.endpoints[0] ?? "";
  const [contenders, turns] = [10, 20];
  await manager.withLock(setting.key, () => {});
  const before = await readCounts(endpoint);
  const takeTurns = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await manager.withLock(setting.key, (lock) => lock.assertHeld());
  };
  await Promise.all(Array.from({ length: contenders }, takeTurns));
  const asked = ((await readCounts(endpoint)).transactions - before.transactions) / (contenders * turns);
  t.diagnostic(`${asked.toFixed(2)} transactions a turn`);
  assert.ok(asked <= 1.5, `${asked} transactions a turn`);
});
