import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it } from "node:test";
import { setTimeout as delay, setImmediate as untilSent } from "node:timers/promises";
import { systemClock } from "#dist/clock.js";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import { EtcdUnavailableError, type Lock, LockLostError, NotHeldError } from "#dist/index.js";
import { eventually, within } from "../support/eventually.ts";
import { assertNothingLeft, listLeases } from "../support/leftovers.ts";
import { collectErrors, etcdOfFile, etcdOfTest, isWaiting } from "../support/lock-setting.ts";
import { readKeys, readLine, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

describe("giving a lock back", { concurrency: true }, () => {
  it("works as in the README of 1.x", async (t) => {
    const { cluster, key } = setUp(t);
    const OldLock: typeof Lock = createRequire(import.meta.url)("etcd-lock");
    const lock = new OldLock(cluster.endpoints, key, "some host", 60);
    let isInside = false;
    await lock
      .lock()
      .then(() => {
        isInside = true;
        return lock.unlock();
      })
      .then(() => {
        isInside = false;
      });
    assert.equal(isInside, false);
    assert.deepEqual(await readKeys(cluster, key), []);
  });

  it("is refused when the lock is not held: never taken, given back before, or only waited for", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    await assert.rejects(lock.unlock(), (error) => error instanceof NotHeldError && error.code === "NOT_HELD");
    await lock.lock();
    await lock.unlock();
    await assert.rejects(lock.unlock(), NotHeldError);
    await setting.heldElsewhere();
    const waiting = assert.rejects(lock.lock(), { code: "LOCK_ABANDONED" });
    await assert.rejects(lock.unlock(), NotHeldError);
    await waiting;
    await assert.rejects(lock.unlock(), NotHeldError);
  });

  it("twice at the same time fulfils once", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    await lock.lock();
    const outcomes = await Promise.allSettled([lock.unlock(), lock.unlock()]);
    assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set(["fulfilled", "rejected"]));
  });

  it("lets the next in line in at once", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    await lock.lock();
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    await lock.unlock();
    const next = await within(1_000, "the next one's turn", turn);
    assert.equal(next.held, true);
  });

  it("fulfils when the entry is gone, also while a refresh is in flight, and nothing touches it again", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint });
    await lock.lock();
    const { version } = await readOnlyRecord(setting.cluster, setting.key);
    proxy.hold();
    const refresh = assert.rejects(lock.lock(), NotHeldError);
    // The refresh is on its way when the unlock follows.
    await delay(50);
    const given = lock.unlock();
    await delay(50);
    await proxy.resume();
    await given;
    assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
    await refresh;
    assert.equal(version, 1);
    await cannotComeBack(setting.key, () => readKeys(setting.cluster, setting.key));
  });

  it("stands, however often and at whatever moment, with refreshes going on all the time", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    lock.refreshInterval = 3;
    for (let round = 0; round < 10; round += 1) {
      await lock.lock();
      await delay(Math.random() * 12);
      await lock.unlock();
      assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
    }
  });

  it("does not fail because the answer is lost: the outcome is read again", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint });
    const errors = collectErrors(lock);
    await lock.lock();
    proxy.dropAnswers();
    const given = lock.unlock();
    given.catch(() => undefined);
    await setting.lineLength(0);
    await proxy.resume();
    await within(5_000, "the unlock", given);
    assert.equal(lock.held, false);
    assert.deepEqual(errors, []);
  });

  it("does not fail because the answer is lost, and what it travelled with is refused when it is repeated", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 60 });
    const told: string[] = [];
    manager.on("lost", ({ lock }) => told.push(lock.name));
    const nameOf = (end: string): string => setting.key + end;
    const held = await Promise.all(["a", "b"].map((end) => manager.acquire(nameOf(end))));
    const doomed = await manager.acquire(nameOf("doomed"), { ttl: 50 });
    proxy.hold();
    // While two transactions are under way, those that follow wait for each other.
    const controller = new AbortController();
    const inTheWay = ["c", "d"].map((end) => manager.acquire(nameOf(end), controller));
    await untilSent();
    const given = held.map((lock) => lock.release());
    const entering = manager.acquire(nameOf("e"), { ttl: 50 });
    await untilSent();
    proxy.dropAnswers();
    controller.abort(new Error("out of the way"));
    const areOut = inTheWay.map((acquiring) => assert.rejects(acquiring, /out of the way/));
    const etcd = new GrpcEtcdClient(parseEtcdSource(setting.cluster.endpoints), systemClock);
    setting.onEnd(async () => etcd.close());
    await eventually(
      "the line is entered",
      () => etcd.leaseKeys(doomed.leaseId, { timeoutMs: 5_000 }),
      (keys) => keys.length === 2,
    );
    // Entering anew on this lease is refused, and with it all that travels along.
    await etcd.revokeLease(doomed.leaseId, { timeoutMs: 5_000 });
    await proxy.resume();
    assert.deepEqual(await within(5_000, "the releases", Promise.all(given)), [true, true]);
    assert.equal(await doomed.release(), false);
    await (await within(5_000, "the lock", entering)).release();
    await Promise.all(areOut);
    assert.deepEqual(
      told.filter((name) => name !== doomed.name),
      [],
    );
  });

  it("never removes the lock of the next holder, although the answer was lost", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint });
    await lock.lock();
    const waiter = setting.manager();
    const turn = waiter.acquire(setting.key);
    await isWaiting(waiter);
    proxy.dropAnswers();
    const given = lock.unlock();
    given.catch(() => undefined);
    const next = await within(3_000, "the next one's turn", turn);
    await proxy.resume();
    await given;
    assert.equal(next.held, true);
    next.assertHeld();
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
  });

  for (const [fault, inject] of [
    ["refuses connections", "cut"],
    ["does not answer", "hold"],
  ] as const) {
    it(`rejects within 5 s while etcd ${fault}, says when the lock will be free, and frees it when etcd is back`, async (t) => {
      const setting = setUp(t);
      const proxy = await setting.proxy();
      const lock = setting.lock({ etcd: proxy.endpoint, ttl: 60 });
      await lock.lock();
      const { signal } = lock;
      proxy[inject]();
      const startedAt = performance.now();
      const before = Date.now();
      await assert.rejects(lock.unlock(), (error) => {
        assert.ok(error instanceof EtcdUnavailableError);
        const [time] = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(error.message) ?? [];
        const endsAt = Date.parse(time ?? "");
        assert.ok(endsAt >= before + 60_000 && endsAt <= Date.now() + 60_000, error.message);
        assert.ok(error.message.includes(proxy.endpoint), error.message);
        assert.doesNotMatch(error.message, /[.?][.?]/);
        assert.deepEqual(
          error.failures.map(({ endpoint }) => endpoint),
          [proxy.endpoint],
        );
        return true;
      });
      assert.ok(performance.now() - startedAt < 5_500);
      assert.equal(lock.held, false);
      assert.equal(signal.aborted, false);
      await proxy.resume();
      await setting.lineLength(0);
      assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
    });
  }

  it("rejects with the loss when the entry turns out to be gone, which is told as every loss, once", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint });
    const errors = collectErrors(lock);
    await lock.lock();
    const { signal } = lock;
    // The own entry is watched, so that the loss would be told before: nothing comes through.
    proxy.hold();
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    const given = assert.rejects(lock.unlock(), (error) => {
      assert.ok(error instanceof LockLostError);
      assert.equal(error.reason, "entry-deleted");
      assert.equal(signal.reason, error);
      return true;
    });
    await proxy.resume();
    await given;
    assert.deepEqual([lock.held, errors], [false, [signal.reason]]);
    await assert.rejects(lock.unlock(), NotHeldError);
    assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
  });

  it("happens at the end of a block with `await using`", async (t) => {
    const setting = setUp(t);
    {
      await using lock = await setting.lock().lock();
      assert.equal(lock.held, true);
      await setting.lineLength(1);
    }
    assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
    {
      // Given back, or never taken: nothing to do.
      await using lock = setting.lock();
      await lock.lock();
      await lock.unlock();
      await using _ = setting.lock();
    }
    {
      await using held = await setting.manager().acquire(setting.key);
      assert.equal(held.held, true);
    }
    assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
  });

  it("of a block that still waits ends the wait", async (t) => {
    const setting = setUp(t);
    await setting.heldElsewhere();
    let abandoned: Promise<void> | undefined;
    {
      await using lock = setting.lock();
      abandoned = assert.rejects(lock.lock(), { code: "LOCK_ABANDONED" });
      await setting.lineLength(2);
    }
    await abandoned;
    await setting.lineLength(1);
  });

  it("leaves no lease behind either, also when etcd is away in the moment when that would be ended", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint, ttl: 60 });
    await lock.lock();
    await lock.unlock();
    proxy.cut();
    assert.equal((await listLeases(setting.cluster)).length, 2);
    await delay(3_000);
    await proxy.resume();
    await assertNothingLeft(setting.cluster);
  });

  it("by release() tells whether it was still held, the same each time", async (t) => {
    const setting = setUp(t);
    const held = await setting.manager().acquire(setting.key);
    assert.ok(held.remaining > 3_000 && held.remaining < 10_000);
    assert.deepEqual(await Promise.all([held.release(), held.release()]), [true, true]);
    assert.equal(await held.release(), true);
    assert.deepEqual([held.held, held.remaining, held.signal.aborted], [false, 0, false]);
    assert.throws(() => held.assertHeld(), NotHeldError);
    await assert.rejects(held.renew(), NotHeldError);
  });
});

/** What is still under way to etcd must not bring it back. */
async function cannotComeBack(key: string, read: () => Promise<readonly unknown[]>): Promise<void> {
  const until = performance.now() + 500;
  await eventually(
    `nothing comes back at ${key}`,
    async () => {
      assert.deepEqual(await read(), []);
      return performance.now();
    },
    (now) => now > until,
  );
}
