import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdRefusedError, EtcdUnavailableError, type LockManager } from "#dist/index.js";
import { withClient } from "../support/altered-client.ts";
import { eventually, within } from "../support/eventually.ts";
import { assertNothingLeft, listLeases } from "../support/leftovers.ts";
import { etcdOfTest } from "../support/lock-setting.ts";

const rejectionLimitMs = 5_000;

/** The entry of whoever had the lock last says until when it is kept. */
async function isKept(manager: LockManager, key: string): Promise<void> {
  await eventually(
    "the lock is kept",
    () => manager.inspect(key),
    ({ entries: [first] }) => first?.until !== undefined,
    5_000,
  );
}

async function assertUnavailable(release: Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await assert.rejects(release, EtcdUnavailableError);
  assert.ok(performance.now() - startedAt < rejectionLimitMs);
}

describe("a lock that is to be kept from others, given back while etcd is away", { concurrency: true }, () => {
  for (const [fault, inject] of [
    ["refuses connections", "cut"],
    ["does not answer", "hold"],
    ["does what it is asked, and its answers are lost", "dropAnswers"],
  ] as const) {
    it(`is kept when etcd, which ${fault}, is back: it is told within 5 s, and nobody has it before`, async (t) => {
      const setting = await etcdOfTest(t);
      const [proxy, others] = [await setting.proxy(), setting.manager()];
      const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 20 });
      const startedAt = performance.now();
      const lock = await manager.acquire(setting.key, { atLeast: 11_000 });
      const next = others.acquire(setting.key);
      await setting.lineLength(2);
      proxy[inject]();
      await assertUnavailable(lock.release());
      assert.equal(lock.held, false);
      await proxy.resume();
      await isKept(others, setting.key);
      const { held } = await within(20_000, "the next one's turn", next);
      assert.ok(held && performance.now() - startedAt > 11_000);
      await others.close();
      await assertNothingLeft(setting.cluster, "", 10_000);
    });
  }

  it("is kept with all that were taken with it, and others are given back", async (t) => {
    const setting = await etcdOfTest(t);
    const [proxy, others] = [await setting.proxy(), setting.manager()];
    const manager = setting.manager({ endpoints: proxy.endpoint });
    const names = [`${setting.key}a`, `${setting.key}b`];
    await manager.acquireAll(names, { atLeast: 20_000 });
    await manager.acquire(setting.key);
    proxy.hold();
    const closing = manager.close();
    await delay(1_000);
    await proxy.resume();
    await closing;
    for (const name of names) await isKept(others, name);
    assert.notEqual(await others.tryAcquire(setting.key), null);
  });

  it("is free when etcd is back later than that", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 60 });
    const lock = await manager.acquire(setting.key, { atLeast: 5_500 });
    proxy.cut();
    await assertUnavailable(lock.release());
    await delay(1_500);
    await proxy.resume();
    await within(5_000, "the lock, for somebody else", setting.manager().acquire(setting.key));
  });

  it("is not freed by closing the manager: then it is kept as long as its lease lasts", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint });
    const lock = await manager.acquire(setting.key, { atLeast: 60_000 });
    // What was sent arrives after all.
    setting.member.pause();
    await assertUnavailable(lock.release());
    await assert.rejects(manager.close(), EtcdUnavailableError);
    setting.member.resume();
    const others = setting.manager();
    await others.acquire(`${setting.key}other`);
    assert.equal(await others.tryAcquire(setting.key), null);
  });
});

describe("a lock that is to be kept from others", { concurrency: true }, () => {
  it("stays when etcd refuses that, and is kept as soon as it does not", async (t) => {
    const setting = await etcdOfTest(t);
    let isRefusing = false;
    const manager = setting.manager(
      { ttl: 2 },
      withClient((client) => {
        const transact = client.transact.bind(client);
        t.mock.method(client, "transact", async (...words: Parameters<typeof transact>) => {
          if (isRefusing) throw new EtcdRefusedError("no space", "RESOURCE_EXHAUSTED", "etcd");
          return await transact(...words);
        });
      }),
    );
    const lock = await manager.acquire(setting.key, { atLeast: 60_000 });
    isRefusing = true;
    await assert.rejects(lock.release(), EtcdRefusedError);
    await delay(3_000);
    await setting.lineLength(1);
    // Those of the session: what was granted for the entry, and not used, has been ended.
    await eventually(
      "two leases",
      () => listLeases(setting.cluster),
      (leases) => leases.length === 2,
    );
    isRefusing = false;
    await isKept(setting.manager(), setting.key);
    await manager.close();
    assert.equal((await listLeases(setting.cluster)).length, 1);
  });

  it("leaves no lease when it turns out to be lost", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint });
    const lock = await manager.acquire(setting.key, { atLeast: 60_000 });
    proxy.hold();
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    const released = lock.release();
    await proxy.resume();
    assert.equal(await released, false);
    await manager.close();
    await assertNothingLeft(setting.cluster);
  });
});
