import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { within } from "../support/eventually.ts";
import { etcdOfFile } from "../support/lock-setting.ts";
import { readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

test("a lock taken on a session that is due for renewal is told of it in time, though its own record is not due", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager({ ttl: 5 });
  const first = await manager.acquire(`${setting.key}first`);
  // The lease's own renewal is what the second lock depends on: its deadline is an old one.
  await delay(1_500);
  const second = await manager.acquire(setting.key);
  const { remaining } = second;
  const acquiredAt = performance.now();
  const told = new Promise<void>((resolve) => {
    manager.on("renewed", ({ lock }) => lock === second && resolve());
  });
  await within(10_000, "the second lock is told", told);
  assert.ok(performance.now() - acquiredAt < remaining);
  assert.ok(second.remaining > remaining);
  await first.release();
  await second.release();
});

test("locks whose owners say much are renewed by a write, too, however much all of them say together", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager({ ttl: 60, id: "名".repeat(4_000) });
  const metadata = { text: "x".repeat(8_000) };
  const keys = Array.from({ length: 100 }, (_, index) => `${setting.key}${index}`);
  const locks = await Promise.all(keys.map((key) => manager.acquire(key, { metadata })));
  const revisions = (): Promise<bigint[]> =>
    Promise.all(
      [0, 50, 99].map(async (index) => (await readOnlyRecord(setting.cluster, keys[index] ?? "")).modRevision),
    );
  const before = await revisions();
  await locks[0]?.renew();
  for (const [index, revision] of (await revisions()).entries()) assert.ok(revision > (before[index] ?? 0n));
  await Promise.all(locks.map((lock) => lock.release()));
});

test("a renewal with an interval that cannot be is refused, and names it", async (t) => {
  const setting = setUp(t);
  const lock = await setting.manager({ ttl: 5 }).acquire(setting.key);
  const renew = (options: unknown): Promise<unknown> => Reflect.apply(lock.renew, lock, [options]) as Promise<unknown>;
  await assert.rejects(renew({ refreshInterval: "soon" }), /^TypeError: refreshInterval must be a number.*got "soon"$/);
  for (const refreshInterval of [Number.NaN, 0, -1, 5_000]) {
    await assert.rejects(renew({ refreshInterval }), /^RangeError: refreshInterval .* less than the ttl \(5 s.*got/);
  }
  await assert.rejects(renew(null), /^TypeError: options must be an object; got null$/);
  await renew({ refreshInterval: undefined });
  await lock.release();
});
