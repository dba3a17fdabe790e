import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";

const setUp = etcdOfFile();

test("who enters behind a foreign holder, and hears of it only when others stand behind, is not first", async (t) => {
  const setting = setUp(t);
  const proxy = await setting.proxy();
  const manager = setting.manager({ endpoints: proxy.endpoint });
  // The session is there, so that what is lost is the answer to entering the line.
  await manager.acquire(`${setting.key}other`);
  const foreign = ["694d71ddacfda227", "7000000000000001", "7000000000000002"].map((id) => `${setting.key}/${id}`);
  const [holder = "", ...behind] = foreign;
  await setting.cluster.etcdctl("put", holder, "");
  proxy.dropAnswers();
  const outcome = manager.tryAcquire(setting.key);
  await setting.lineLength(2);
  for (const key of behind) await setting.cluster.etcdctl("put", key, "");
  await proxy.resume();
  assert.equal(await within(5_000, "the answer", outcome), null);
  assert.deepEqual(
    (await manager.inspect(setting.key)).entries.map(({ key }) => key),
    foreign,
  );
  for (const key of foreign) await setting.cluster.etcdctl("del", key);
});

test("who enters behind a waiter that has not entered yet when the lock is given back is not first", async (t) => {
  const setting = setUp(t);
  const [slow, lossy] = [await setting.proxy(), await setting.proxy()];
  const holder = await setting.heldElsewhere();
  const first = setting.manager({ endpoints: slow.endpoint, ttl: 20 });
  const firstTurn = first.acquire(setting.key);
  await isWaiting(first);
  const second = setting.manager({ endpoints: lossy.endpoint });
  await second.acquire(`${setting.key}other`);
  lossy.dropAnswers();
  const outcome = second.tryAcquire(setting.key);
  await setting.lineLength(3);
  const later = setting.manager();
  const laterTurns = [1, 2].map(() => later.withLock(setting.key, (lock) => lock.verify()));
  await setting.lineLength(5);
  slow.hold();
  await holder.release();
  await lossy.resume();
  assert.equal(await within(5_000, "the answer", outcome), null);
  await slow.resume();
  const lock = await within(10_000, "the first one's turn", firstTurn);
  await lock.verify();
  await lock.release();
  await within(5_000, "the others' turns", Promise.all(laterTurns));
});
