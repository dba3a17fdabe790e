import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError, type Lock, LockLostError, NotHeldError } from "#dist/index.js";
import { eventually, within } from "../support/eventually.ts";
import { collectErrors, nextLoss } from "../support/lock-setting.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { type StoredKey, type V2Setting, v2IsMissing, v2OfFile } from "../support/v2-setting.ts";

const setUp = v2OfFile();

/** A lock whose way to etcd can fail. */
async function proxied(setting: V2Setting, ttl: number): Promise<{ lock: Lock; proxy: TcpProxy }> {
  const proxy = await setting.proxy();
  return { lock: setting.lock({ etcd: { endpoints: proxy.endpoint, api: 2 }, ttl }), proxy };
}

/** What somebody else may do to a lock, and the reason that its holder is told. */
const injuries: readonly (readonly [string, string, (setting: V2Setting) => Promise<unknown>])[] = [
  ["its key is deleted", "entry-deleted", (setting) => setting.remove()],
  ["its key gets another value", "entry-overwritten", (setting) => setting.write({ value: "somebody", ttl: "2" })],
  [
    "its key is made anew with the same value",
    "entry-overwritten",
    (setting) => setting.write({ value: "tester", ttl: "2" }),
  ],
  [
    "a 1.x with the same id takes the lock for its own",
    "entry-overwritten",
    (setting) => setting.write({ value: "tester", prevValue: "tester", ttl: "2" }),
  ],
];

function isWrittenSince(before: StoredKey | undefined): (stored: StoredKey | undefined) => boolean {
  return (stored) => (stored?.modifiedIndex ?? 0) > (before?.modifiedIndex ?? 0);
}

describe("the holder of a lock on the v2 API", { concurrency: 4, skip: v2IsMissing }, () => {
  for (const [injury, reason, inflict] of injuries) {
    it(`is told at once, and once, that ${injury}`, async (t) => {
      const setting = setUp(t);
      const lock = setting.lock({ ttl: 60 });
      const errors = collectErrors(lock);
      await lock.lock();
      const { signal, fencingToken } = lock;
      const told = nextLoss(lock);
      await inflict(setting);
      const { error } = await told;
      assert.ok(error instanceof LockLostError);
      assert.deepEqual(
        [error.reason, error.key, error.id, error.fencingToken, error.index],
        [reason, setting.key, "tester", fencingToken, Number(fencingToken)],
      );
      assert.deepEqual([signal.aborted, signal.reason, lock.held], [true, error, false]);
      await assert.rejects(lock.unlock(), NotHeldError);
      // What somebody else has made is left alone, and ends by itself.
      await setting.stored("nobody holds it", (stored) => stored === undefined);
      await lock.lock();
      assert.equal(lock.held, true);
      await lock.unlock();
      assert.deepEqual(errors, [error]);
    });
  }

  it("is told before the key can expire that etcd is out of reach, and does not take it again", async (t) => {
    const setting = setUp(t);
    const ttl = 12;
    const { lock, proxy } = await proxied(setting, ttl);
    const errors = collectErrors(lock);
    await lock.lock();
    const lockedAt = performance.now();
    proxy.hold();
    const { error, at } = await nextLoss(lock);
    assert.equal(error.reason, "deadline");
    assert.ok(at - lockedAt < ttl * 1_000, `told after ${at - lockedAt} ms`);
    assert.equal(lock.held, false);
    await proxy.resume();
    await setting.stored("it expires", (stored) => stored === undefined, 30_000);
    await delay(1_000);
    assert.deepEqual([await setting.read(), lock.held, errors.length], [undefined, false, 1]);
  });

  it("keeps it through an outage that ends before the deadline", async (t) => {
    const setting = setUp(t);
    const { lock, proxy } = await proxied(setting, 20);
    const errors = collectErrors(lock);
    await lock.lock();
    const before = await setting.read();
    proxy.cut();
    const renewal = assert.rejects(lock.lock(), EtcdUnavailableError);
    await renewal;
    assert.equal(lock.held, true);
    await proxy.resume();
    await setting.stored("it is renewed", isWrittenSince(before), 20_000);
    assert.deepEqual([lock.held, errors], [true, []]);
  });

  it("keeps it when the answer to a renewal is lost", async (t) => {
    const setting = setUp(t);
    const { lock, proxy } = await proxied(setting, 20);
    const errors = collectErrors(lock);
    await lock.lock();
    const before = await setting.read();
    proxy.dropAnswers();
    const renewal = lock.lock().catch(() => undefined);
    await setting.stored("it is renewed without an answer", isWrittenSince(before));
    await proxy.resume();
    await renewal;
    await within(10_000, "a renewal", renewUntilProved(lock));
    assert.deepEqual([lock.held, errors], [true, []]);
    await lock.unlock();
    assert.equal(await setting.read(), undefined);
  });

  it("gives it back for good while a renewal is on its way", async (t) => {
    const setting = setUp(t);
    const { lock, proxy } = await proxied(setting, 20);
    const errors = collectErrors(lock);
    await lock.lock();
    const before = await setting.read();
    proxy.dropAnswers();
    const renewal = lock.lock().catch(() => undefined);
    await setting.stored("it is renewed without an answer", isWrittenSince(before));
    const unlocking = lock.unlock();
    await proxy.resume();
    await unlocking;
    await renewal;
    assert.equal(await setting.read(), undefined);
    await delay(1_500);
    assert.deepEqual([await setting.read(), errors, lock.held], [undefined, [], false]);
  });

  it("has given it back when the answer to that is lost", async (t) => {
    const setting = setUp(t);
    const { lock, proxy } = await proxied(setting, 60);
    await lock.lock();
    proxy.dropAnswers();
    const unlocking = lock.unlock();
    await setting.stored("it is gone", (stored) => stored === undefined);
    await proxy.resume();
    await unlocking;
  });

  it("is told within seconds that it could not be given back, and by when it is free", async (t) => {
    const setting = setUp(t);
    const { lock, proxy } = await proxied(setting, 10);
    await lock.lock();
    proxy.hold();
    const unlocking = assert.rejects(
      lock.unlock(),
      /^EtcdUnavailableError: .*could not be released; its key expires by [^?]*\?$/,
    );
    await within(15_000, "the rejection", unlocking);
    assert.equal(lock.held, false);
  });
});

describe("taking a lock on the v2 API", { concurrency: 4, skip: v2IsMissing }, () => {
  it("recognises its own key when the answer is lost, long before that expires", async (t) => {
    const setting = setUp(t);
    const { lock, proxy } = await proxied(setting, 60);
    // There must be a connection that the answer can be lost on.
    await lock.lock();
    await lock.unlock();
    proxy.dropAnswers();
    const locking = lock.lock();
    await delay(1_500);
    await proxy.resume();
    await within(40_000, "the lock", locking);
    assert.equal(lock.held, true);
    await lock.unlock();
    assert.equal(await setting.read(), undefined);
  });

  it("does not mistake the key of another with the same id for its own", async (t) => {
    const setting = setUp(t);
    const holder = setting.lock({ ttl: 60 });
    const { lock, proxy } = await proxied(setting, 60);
    await holder.lock();
    const controller = new AbortController();
    const locking = lock.lock({ signal: controller.signal });
    for (let outage = 0; outage < 3; outage += 1) {
      await delay(200);
      proxy.dropAnswers();
      await delay(1_200);
      await proxy.resume();
    }
    assert.deepEqual([holder.held, lock.held], [true, false]);
    controller.abort(new Error("enough"));
    await assert.rejects(locking, /enough/);
    await holder.unlock();
  });

  for (const [fault, fail] of [
    ["refuses connections", (proxy: TcpProxy) => proxy.cut()],
    ["does not answer", (proxy: TcpProxy) => proxy.hold()],
  ] as const) {
    it(`rejects after 10 s when etcd ${fault}, and sooner with a time limit`, async (t) => {
      const { lock, proxy } = await proxied(setUp(t), 60);
      fail(proxy);
      const startedAt = performance.now();
      await assert.rejects(lock.lock({ timeout: 100 }), EtcdUnavailableError);
      assert.ok(performance.now() - startedAt < 9_000);
      await within(30_000, "the rejection", assert.rejects(lock.lock(), EtcdUnavailableError));
    });
  }

  it("goes on over the other addresses when one is dead", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ etcd: { endpoints: ["127.0.0.1:1", setting.endpoint], api: 2 } });
    await lock.lock();
    await lock.unlock();
  });
});

describe("a process that was blocked for longer than the TTL", { skip: v2IsMissing }, () => {
  it("sees in its first line that the lock on the v2 API is not held", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 3 });
    const errors = collectErrors(lock);
    await lock.lock();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_500);
    assert.equal(lock.held, false);
    await eventually(
      "the loss is told",
      () => errors.length,
      (count) => count === 1,
    );
  });
});

async function renewUntilProved(lock: Lock): Promise<void> {
  await eventually(
    "a renewal is proved",
    () =>
      lock.lock().then(
        () => true,
        () => false,
      ),
    (isProved) => isProved,
    10_000,
  );
}
