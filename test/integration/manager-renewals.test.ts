import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { within } from "../support/eventually.ts";
import { etcdOfFile } from "../support/lock-setting.ts";

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
