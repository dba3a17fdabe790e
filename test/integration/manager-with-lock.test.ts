import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LockLostError, LockTimeoutError } from "#dist/index.js";
import { within } from "../support/eventually.ts";
import { etcdOfFile } from "../support/lock-setting.ts";
import { readLine } from "../support/stored-line.ts";

const setUp = etcdOfFile();

describe("work with a lock", { concurrency: true }, () => {
  it("resolves with what it made, after the lock was given back", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const token = await manager.withLock(setting.key, (lock) => {
      lock.assertHeld();
      return lock.fencingToken;
    });
    assert.ok(token > 0n);
    assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
    const mode = await manager.withLock(setting.key, { mode: "shared" }, async (lock) => lock.mode);
    assert.equal(mode, "shared");
  });

  it("rejects with its own error, after the lock was given back", async (t) => {
    const setting = setUp(t);
    const own = new Error("the work failed");
    for (const fail of [
      () => Promise.reject(own),
      () => {
        throw own;
      },
    ]) {
      await assert.rejects(setting.manager().withLock(setting.key, fail), (error) => error === own);
      assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
    }
  });

  it("rejects with the loss though it resolved, and leaves nothing", async (t) => {
    const setting = setUp(t);
    const work = setting.manager().withLock(setting.key, async () => {
      await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
      return "done, or so it thinks";
    });
    await assert.rejects(work, LockLostError);
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
  });

  it("rejects with its own error rather than with the loss that came before", async (t) => {
    const setting = setUp(t);
    const own = new Error("the work failed");
    const work = setting.manager().withLock(setting.key, async (lock) => {
      const lost = new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
      await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
      await within(5_000, "the loss is told", lost);
      throw own;
    });
    await assert.rejects(work, (error) => error === own);
  });

  it("rejects with its own error rather than with that of a release that fails", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const own = new Error("the work failed");
    const work = setting.manager({ endpoints: proxy.endpoint }).withLock(setting.key, () => {
      proxy.cut();
      throw own;
    });
    await assert.rejects(work, (error) => error === own);
  });

  it("does not begin when the lock is not to be had, or when there is no work", async (t) => {
    const setting = setUp(t);
    await using _held = await setting.heldElsewhere();
    const manager = setting.manager();
    const unexpected = (): never => assert.fail("the work began");
    await assert.rejects(manager.withLock(setting.key, { timeout: 100 }, unexpected), LockTimeoutError);
    // @ts-expect-error there is no work to do
    await assert.rejects(manager.withLock(setting.key), TypeError);
    // @ts-expect-error there is no work to do either
    await assert.rejects(manager.withLock(setting.key, {}), TypeError);
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
  });
});
