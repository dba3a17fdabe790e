import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import type { Line } from "#dist/index.js";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";

const setUp = etcdOfFile();

async function next(lines: AsyncIterator<Line>): Promise<Line> {
  const { value, done } = await within(5_000, "the next change of the line", lines.next());
  assert.ok(!done);
  return value;
}

test("a line shows holders and waiters in order, with what they say of themselves, foreign ones too", async (t) => {
  const setting = setUp(t);
  const { key, cluster } = setting;
  const [first, second] = [setting.manager({ id: "first" }), setting.manager({ id: "second" })];
  const held = await first.acquire(key, { metadata: { job: "billing" } });
  await using foreign = startEtcdctlLock(cluster, key, { ttl: 2 });
  await setting.lineLength(2);
  const waiting = isWaiting(second);
  const wait = second.acquire(key, { permits: 3 });
  await waiting;
  const { entries } = await second.inspect(key);
  assert.deepEqual(
    entries.map(({ position, state, foreign, id, limit }) => ({ position, state, foreign, id, limit })),
    [
      { position: 1, state: "holding", foreign: false, id: "first", limit: 1 },
      { position: 2, state: "waiting", foreign: true, id: undefined, limit: 1 },
      { position: 3, state: "waiting", foreign: false, id: "second", limit: 3 },
    ],
  );
  const [holder] = entries;
  assert.equal(holder?.fencingToken, held.fencingToken);
  assert.equal(holder?.host, hostname());
  assert.equal(holder?.pid, process.pid);
  assert.equal(holder?.ttl, 10);
  assert.deepEqual(holder?.metadata, { job: "billing" });
  assert.ok(Math.abs(Date.now() - (holder?.since?.getTime() ?? 0)) < 60_000);
  await held.release();
  await foreign.held();
  assert.equal((await second.inspect(key)).entries[0]?.state, "holding");
  await foreign.release();
  await (await wait).release();
});

test("lines are listed by their names, without keys that belong to no lock", async (t) => {
  const setting = setUp(t);
  const prefix = `${setting.key}/é `;
  const manager = setting.manager();
  const names = [`${prefix}b`, `${prefix}a/deeper`, `${prefix}a`];
  await using _held = await manager.acquireAll(names);
  await using foreign = startEtcdctlLock(setting.cluster, `${setting.key}/%C3%A9%20plain`, { ttl: 2 });
  await foreign.held();
  await setting.cluster.etcdctl("put", `${setting.key}/%C3%A9%20data/of/others`, "x");
  const lines = await manager.list(prefix);
  assert.deepEqual(
    lines.map(({ name, entries }) => [name, entries.map(({ state }) => state)]),
    [
      [`${prefix}a`, ["holding"]],
      [`${prefix}a/deeper`, ["holding"]],
      [`${prefix}b`, ["holding"]],
      [`${prefix}plain`, ["holding"]],
    ],
  );
  await foreign.release();
  await setting.cluster.etcdctl("del", `${setting.key}/%C3%A9%20data/of/others`);
});

test("whoever watches a line is told of each change, and not of renewals", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const manager = setting.manager({ refreshInterval: 100 });
  const lines = setting.manager().watch(key);
  assert.deepEqual((await next(lines)).entries, []);
  const held = await manager.acquire(key);
  assert.deepEqual(
    (await next(lines)).entries.map(({ state }) => state),
    ["holding"],
  );
  await held.renew();
  await held.renew();
  await held.release();
  assert.deepEqual((await next(lines)).entries, []);
  await lines.return();
});

test("a watch ends with its signal, and with its manager", async (t) => {
  const setting = setUp(t);
  const controller = new AbortController();
  const manager = setting.manager();
  const bySignal = manager.watch(setting.key, { signal: controller.signal });
  const byManager = manager.watch(setting.key);
  await next(bySignal);
  await next(byManager);
  const ends = Promise.allSettled([bySignal.next(), byManager.next()]);
  controller.abort(new Error("enough"));
  await manager.close();
  const [first, second] = await within(5_000, "both watches end", ends);
  assert.equal(first.status === "rejected" && first.reason.message, "enough");
  assert.equal(second.status === "rejected" && second.reason.code, "CLOSED");
});

test("a lock that is to be kept is released late, and nobody has it before", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const [first, second] = [setting.manager({ id: "cron" }), setting.manager()];
  const startedAt = performance.now();
  const held = await first.acquire(key, { atLeast: 3_000 });
  assert.equal(await held.release(), true);
  assert.equal(held.held, false);
  assert.equal(await second.tryAcquire(key), null);
  const [kept] = (await second.inspect(key)).entries;
  assert.equal(kept?.state, "holding");
  assert.equal(kept?.id, "cron");
  assert.ok(kept?.until instanceof Date);
  const waiting = isWaiting(second);
  const wait = second.acquire(key);
  await waiting;
  // Its owner may go: the entry does not depend on it any more.
  await first.close();
  const next = await within(15_000, "the lock is free in the end", wait);
  assert.ok(performance.now() - startedAt >= 3_000);
  await next.release();
});

test("a lock that was held long enough is released at once", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const manager = setting.manager();
  const held = await manager.acquire(key, { atLeast: 1 });
  await held.renew();
  assert.equal(await held.release(), true);
  const next = await manager.tryAcquire(key);
  assert.equal(next?.held, true);
  await next?.release();
});
