import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EtcdLockError, EtcdUnavailableError, LockTimeoutError, NotHeldError } from "#dist/index.js";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";
import { readLine } from "../support/stored-line.ts";

const setUp = etcdOfFile();

describe("a wait for a lock", { concurrency: true }, () => {
  it("ends after its timeout, names who was in the way, and has left the line", async (t) => {
    const setting = setUp(t);
    await setting.heldElsewhere();
    const lock = setting.lock();
    await assert.rejects(lock.lock({ timeout: 200 }), (error) => {
      assert.ok(error instanceof LockTimeoutError);
      assert.equal(error.code, "LOCK_TIMEOUT");
      assert.match(error.message, /200 ms.*held by somebody else \(.*, pid \d+\), 1 ahead/);
      return true;
    });
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    assert.equal(lock.held, false);
    await assert.rejects(lock.unlock(), NotHeldError);
  });

  it("ends after its timeout also when etcd has gone away, and says so", async (t) => {
    const setting = setUp(t);
    await setting.heldElsewhere();
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint });
    const ended = assert.rejects(lock.lock({ timeout: 1_000 }), (error) => {
      assert.ok(error instanceof LockTimeoutError);
      assert.match(error.message, /was not to be had within 1 s: etcd does not answer$/);
      assert.ok(error.cause instanceof EtcdUnavailableError);
      return true;
    });
    await setting.lineLength(2);
    proxy.hold();
    await ended;
  });

  it("has no limit where nobody need be waited for: beside others who share it, and under a deeper name", async (t) => {
    const setting = setUp(t);
    const [others, manager] = [setting.manager(), setting.manager()];
    await others.acquire(setting.key, { mode: "shared" });
    await others.acquire(`${setting.key}other/deeper`);
    for (let round = 0; round < 20; round += 1) {
      let waits = 0;
      const options = { timeout: 0, connectTimeout: 20_000, onWaiting: () => (waits += 1) };
      const startedAt = performance.now();
      try {
        const reader = await manager.acquire(setting.key, { ...options, mode: "shared" });
        const shallow = await manager.acquire(`${setting.key}other`, options);
        await Promise.all([reader.release(), shallow.release()]);
        assert.equal(waits, 0);
      } catch (error) {
        // For an etcd that does not answer within a second one waits, too.
        if (!(error instanceof LockTimeoutError && performance.now() - startedAt > 900)) throw error;
      }
    }
  });

  it("ends with the reason of its signal, and has left the line", async (t) => {
    const setting = setUp(t);
    await setting.heldElsewhere();
    const lock = setting.lock();
    const controller = new AbortController();
    const reason = new Error("changed our mind");
    const ended = assert.rejects(lock.lock({ signal: controller.signal }), (error) => error === reason);
    await setting.lineLength(2);
    controller.abort(reason);
    await ended;
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
  });

  it("does not begin when the signal has aborted before", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    const reason = { any: "thing" };
    await assert.rejects(lock.lock({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
  });

  it("goes on for the others when one of several callers gives up", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const lock = setting.lock();
    const controller = new AbortController();
    const impatient = assert.rejects(lock.lock({ signal: controller.signal }), /too long/);
    const timed = assert.rejects(lock.lock({ timeout: 300 }), LockTimeoutError);
    const patient = lock.lock();
    await setting.lineLength(2);
    const place = (await readLine(setting.cluster, setting.key)).entries[1]?.createRevision;
    controller.abort(new Error("too long"));
    await Promise.all([impatient, timed]);
    assert.equal((await readLine(setting.cluster, setting.key)).entries[1]?.createRevision, place);
    await holder.release();
    await within(2_000, "the turn of the patient one", patient);
  });

  it("is not ended by a signal that aborts once the lock is held", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock();
    const controller = new AbortController();
    await lock.lock({ signal: controller.signal, timeout: 5_000 });
    controller.abort();
    await lock.lock();
    assert.equal(lock.held, true);
  });

  it("ends by unlock(), which rejects: the line is left, and the lock never taken", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const lock = setting.lock();
    const calls = [lock.lock(), lock.lock()];
    const outcomes = Promise.allSettled(calls);
    await setting.lineLength(2);
    await assert.rejects(lock.unlock(), NotHeldError);
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof EtcdLockError);
      assert.equal(outcome.reason.code, "LOCK_ABANDONED");
    }
    await holder.release();
    await setting.lineLength(0);
    assert.equal(lock.held, false);
  });

  it("ends by unlock() also before it stands in line, or in the moment when the turn comes", async (t) => {
    const setting = setUp(t);
    for (let delayMs = 0; delayMs < 10; delayMs += 1) {
      const holder = await setting.heldElsewhere();
      const lock = setting.lock();
      const taken = lock.lock();
      taken.catch(() => undefined);
      if (delayMs % 2 === 1) await setting.lineLength(2);
      const [given, ended] = await Promise.allSettled([holder.release(), lock.unlock()]);
      assert.equal(given.status, "fulfilled");
      // Either it came too late, or it was held just then and has been given back.
      if (ended.status === "rejected") await assert.rejects(taken, EtcdLockError);
      assert.equal(lock.held, false);
      await setting.lineLength(0);
    }
  });

  it("can begin again as soon as the one before is being ended", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const lock = setting.lock();
    const abandoned = assert.rejects(lock.lock(), EtcdLockError);
    await setting.lineLength(2);
    const ended = assert.rejects(lock.unlock(), NotHeldError);
    const taken = lock.lock();
    await Promise.all([abandoned, ended]);
    await holder.release();
    await within(2_000, "our turn", taken);
    assert.equal(lock.held, true);
  });

  it("of a manager ends when the manager is closed, which leaves nothing", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const manager = setting.manager();
    const held = await manager.acquire(`${setting.key}held`);
    const ended = assert.rejects(manager.acquire(setting.key), { code: "CLOSED" });
    await isWaiting(manager);
    await manager.close();
    await ended;
    await assert.rejects(manager.acquire(setting.key), { code: "CLOSED" });
    assert.equal(held.held, false);
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    assert.deepEqual((await readLine(setting.cluster, `${setting.key}held`)).entries, []);
    await holder.release();
  });
});
