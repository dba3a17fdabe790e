import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdLockError, EtcdRefusedError, Lock, LockTimeoutError, NotHeldError } from "#dist/index.js";
import { nodeEtcdVersions } from "../support/clients.ts";
import { within } from "../support/eventually.ts";
import { etcdOfTest } from "../support/lock-setting.ts";
import { v2IsMissing, v2OfFile } from "../support/v2-setting.ts";

const setUp = v2OfFile();

describe("a lock on the v2 API", { concurrency: 4, skip: v2IsMissing }, () => {
  it("is kept as 1.x keeps it: the key itself, with the id as its value and a TTL", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ id: "worker-1", ttl: 30 });
    await lock.lock();
    const stored = await setting.read();
    assert.deepEqual([stored?.key, stored?.value, lock.held], [setting.key, "worker-1", true]);
    assert.ok((stored?.ttl ?? 0) > 20 && (stored?.ttl ?? 99) <= 30, String(stored?.ttl));
    assert.equal(lock.fencingToken, BigInt(stored?.createdIndex ?? 0));
    await lock.unlock();
    assert.equal(await setting.read(), undefined);
    assert.deepEqual([lock.held, lock.fencingToken], [false, undefined]);
    await assert.rejects(lock.unlock(), NotHeldError);
  });

  for (const version of nodeEtcdVersions) {
    it(`is taken with a client of node-etcd ${version}, as with 1.x`, async (t) => {
      const setting = setUp(t);
      const etcd = setting.clients.nodeEtcd(version, `http://${setting.endpoint}`);
      const lock = setting.lock({ etcd });
      assert.equal(await lock.lock(), lock);
      assert.equal((await setting.read())?.value, "tester");
      const other = setting.lock({ etcd, id: "other" });
      await assert.rejects(other.lock({ timeout: 3_000 }), /^LockTimeoutError: .*held by tester/);
      await lock.unlock();
      await other.lock();
      await other.unlock();
    });
  }

  it("means the same lock with or without a slash before its key, as with 1.x", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    const other = setting.lock({ key: `${setting.key.slice(1)}/` });
    await lock.lock();
    await assert.rejects(other.lock({ timeout: 3_000 }), LockTimeoutError);
  });

  it("excludes others with the same id, in this process too", async (t) => {
    const setting = setUp(t);
    const locks = [setting.lock(), setting.lock(), setting.lock()];
    let inside = 0;
    const turns = locks.map(async (lock) => {
      for (let turn = 0; turn < 5; turn += 1) {
        await lock.lock();
        inside += 1;
        assert.equal(inside, 1);
        await delay(5);
        inside -= 1;
        await lock.unlock();
      }
    });
    await within(30_000, "all turns", Promise.all(turns));
  });

  it("has tokens that grow from holder to holder", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    let last = 0n;
    for (let turn = 0; turn < 3; turn += 1) {
      await lock.lock();
      const token = lock.fencingToken ?? 0n;
      assert.ok(token > last);
      last = token;
      await lock.unlock();
    }
  });

  it("is renewed, and outlives its TTL", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 10 });
    lock.refreshInterval = 1_000;
    lock.on("error", (error) => assert.fail(error));
    await lock.lock();
    const before = await setting.read();
    await delay(12_000);
    assert.equal((await setting.read())?.createdIndex, before?.createdIndex);
    assert.equal(lock.held, true);
  });

  it("is renewed by lock() while held, and takes over another ttl and refresh interval", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    const before = await setting.read();
    await lock.lock();
    assert.ok(((await setting.read())?.modifiedIndex ?? 0) > (before?.modifiedIndex ?? 0));
    lock.ttl = 500;
    await lock.lock();
    const longer = await setting.read();
    assert.ok((longer?.ttl ?? 0) > 400);
    assert.equal(longer?.createdIndex, before?.createdIndex);
    lock.ttl = 20;
    lock.refreshInterval = 100;
    await lock.lock();
    const shorter = await setting.read();
    assert.ok((shorter?.ttl ?? 99) <= 20);
    // The index is that of the whole store: only how often it changes tells of renewals.
    const seen = new Set<number | undefined>();
    await setting.stored("it is renewed often", (stored) => seen.add(stored?.modifiedIndex).size >= 5, 8_000);
    await lock.unlock();
    assert.equal(await setting.read(), undefined);
  });

  it("is waited for no longer than the signal allows, and nothing is taken afterwards", async (t) => {
    const setting = setUp(t);
    const [holder, waiter] = [setting.lock({ id: "holder" }), setting.lock({ id: "waiter" })];
    await holder.lock();
    const reason = new Error("no more");
    const controller = new AbortController();
    const waiting = waiter.lock({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(waiting, (error) => error === reason);
    await holder.unlock();
    await delay(100);
    assert.equal(await setting.read(), undefined);
  });

  it("is not taken any more after unlock() has ended the wait", async (t) => {
    const setting = setUp(t);
    const [holder, waiter] = [setting.lock({ id: "holder" }), setting.lock({ id: "waiter" })];
    await holder.lock();
    const waiting = assert.rejects(
      waiter.lock(),
      (error) => error instanceof EtcdLockError && error.code === "LOCK_ABANDONED",
    );
    await delay(50);
    await assert.rejects(waiter.unlock(), NotHeldError);
    await waiting;
    await holder.unlock();
    await delay(100);
    assert.equal(await setting.read(), undefined);
  });

  it("is handed over when it expires or is deleted, and is not waited for in vain", async (t) => {
    const setting = setUp(t);
    const waiter = setting.lock();
    const endings = [
      ["expires", () => setting.write({ value: "somebody", ttl: "1" })],
      ["is deleted", () => setting.remove()],
    ] as const;
    for (const [what, end] of endings) {
      await setting.write({ value: "somebody", ttl: "100" });
      const waiting = waiter.lock();
      await delay(100);
      await end();
      await within(20_000, `the lock, when the key ${what}`, waiting);
      await waiter.unlock();
    }
  });
});

describe("a waiter on the v2 API", { skip: v2IsMissing }, () => {
  it("gets the lock though it has missed more changes than etcd remembers", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const waiter = setting.lock({ etcd: { endpoints: proxy.endpoint, api: 2 } });
    await setting.write({ value: "somebody", ttl: "100" });
    const waiting = waiter.lock();
    await delay(100);
    proxy.cut();
    await setting.remove();
    // etcd keeps the last 1,000 changes of all keys together.
    await forgetChanges(setting.endpoint, `${setting.key}-others`);
    await proxy.resume();
    await within(30_000, "the lock", waiting);
    await waiter.unlock();
  });
});

describe("what the v2 API cannot give", { skip: v2IsMissing }, () => {
  it("is refused: a directory, a key below a key, and no key at all", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    await lock.lock();
    await assert.rejects(setting.lock({ key: "/test" }).lock(), (error) => {
      assert.ok(error instanceof EtcdRefusedError);
      assert.match(error.message, /directory/);
      return true;
    });
    await assert.rejects(setting.lock({ key: `${setting.key}/below` }).lock(), /^EtcdRefusedError: .*Not a directory/);
    await assert.rejects(setting.lock({ key: "//" }).lock(), /^RangeError: key must be a path/);
  });

  it("is said by an etcd that does not serve it", async (t) => {
    const { cluster } = await etcdOfTest(t);
    const lock = new Lock({ endpoints: cluster.endpoints, api: 2 }, "/k", "i");
    await assert.rejects(lock.lock(), /^EtcdRefusedError: .*404; does it serve the v2 API \(--enable-v2\)\?/);
  });
});

async function forgetChanges(endpoint: string, key: string): Promise<void> {
  const write = async (): Promise<void> => {
    for (let turn = 0; turn < 130; turn += 1) {
      const response = await fetch(`http://${endpoint}/v2/keys${key}`, {
        method: "PUT",
        body: new URLSearchParams({ value: String(turn), ttl: "5" }),
      });
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 8 }, write));
}
