import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EtcdUnavailableError, LockLostError } from "#dist/index.js";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { eventually, within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";
import { readLine, readOnlyEntry } from "../support/stored-line.ts";
import { hold, unexpected } from "../support/web-locks/api.ts";

const setUp = etcdOfFile();

describe("a lock that is stolen", { concurrency: true }, () => {
  it("is told to the callback by the lock's signal, and granted as soon as that has ended", async (t) => {
    const setting = setUp(t);
    const robbed = setting.manager({ ttl: 60 }).request(setting.key, async (lock) => {
      if (lock === null) throw new Error("not granted");
      await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
      return lock.held;
    });
    robbed.catch(() => undefined);
    await setting.lineLength(1);
    const thief = setting.manager({ ttl: 60 }).request(setting.key, { steal: true }, (lock) => lock?.held);
    assert.equal(await within(3_000, "the thief holds", thief), true);
    await assert.rejects(robbed, (error) => {
      assert.ok(error instanceof DOMException && error.cause instanceof LockLostError);
      assert.deepEqual([error.name, error.cause.reason], ["AbortError", "entry-deleted"]);
      return true;
    });
  });

  it("is granted only when a holder who does not heed has been outlived", async (t) => {
    const setting = setUp(t);
    const ttl = 2;
    let lastHeld = 0;
    const holder = setting.manager({ ttl });
    const heedless = holder.request(setting.key, async (lock) => {
      while (lock?.held) {
        lastHeld = performance.now();
        await new Promise(setImmediate);
      }
      await new Promise(() => undefined);
    });
    await setting.lineLength(1);
    const startedAt = performance.now();
    const thief = setting.manager({ ttl }).request(setting.key, { steal: true }, () => performance.now());
    await assert.rejects(heedless, { name: "AbortError" });
    const grantedAt = await within(10_000, "the thief holds", thief);
    assert.ok(grantedAt > lastHeld);
    assert.ok(grantedAt - startedAt > (ttl * 1_000) / 2, "nobody could know that the holder was gone");
  });

  it("has been taken from nobody but those who held then", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const holder = hold(manager, setting.key);
    holder.done.catch(() => holder.end());
    await holder.granted;
    const waiters = [setting.manager(), setting.manager()];
    const turns = waiters.map((waiter) => waiter.request(setting.key, () => "undisturbed"));
    await setting.lineLength(3);
    assert.equal(await setting.manager().request(setting.key, { steal: true }, () => "stolen"), "stolen");
    assert.deepEqual(await Promise.all(turns), ["undisturbed", "undisturbed"]);
    await assert.rejects(holder.done, { name: "AbortError" });
  });

  it("is not that of a foreign holder, who would not notice: the thief is told how to break it", async (t) => {
    const setting = setUp(t);
    await using foreign = startEtcdctlLock(setting.cluster, setting.key);
    await foreign.held();
    const entry = await readOnlyEntry(setting.cluster, setting.key);
    const manager = setting.manager();
    await assert.rejects(manager.request(setting.key, { steal: true }, unexpected), (error) => {
      assert.ok(error instanceof DOMException);
      assert.equal(error.name, "NotSupportedError");
      assert.match(error.message, new RegExp(`breakLock\\(\\).*${entry.createRevision}n`));
      return true;
    });
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    const fencingToken = entry.createRevision;
    assert.equal(await manager.breakLock(setting.key, { fencingToken }), true);
    assert.equal(await manager.request(setting.key, () => "ours"), "ours");
    await foreign.release();
    await setting.cluster.etcdctl("lease", "revoke", entry.lease);
  });
});

describe("a request rejects", { concurrency: true }, () => {
  it("with an AbortError at once when its lock is broken, whatever the callback does then", async (t) => {
    const setting = setUp(t);
    const holder = hold(setting.manager(), setting.key);
    await holder.granted;
    const operator = setting.manager();
    const [entry] = (await operator.inspect(setting.key)).entries;
    assert.equal(await operator.breakLock(setting.key, { fencingToken: entry?.fencingToken ?? 0n }), true);
    await assert.rejects(within(2_000, "the holder is told", holder.done), { name: "AbortError" });
    holder.end();
    await setting.lineLength(0);
  });

  it("with an AbortError when the lock turns out to be gone after the callback", async (t) => {
    const setting = setUp(t);
    const deleted = setting.manager().request(setting.key, async () => {
      await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    });
    await assert.rejects(deleted, { name: "AbortError" });
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
  });

  it("with the LockLostError before the lease can end, when etcd does not answer any more", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const holder = hold(setting.manager({ endpoints: proxy.endpoint, ttl: 2 }), setting.key);
    await holder.granted;
    proxy.hold();
    await assert.rejects(within(2_000, "the loss is told", holder.done), (error) => {
      assert.ok(error instanceof LockLostError);
      assert.equal(error.reason, "deadline");
      return true;
    });
    holder.end();
    await proxy.resume();
    await setting.lineLength(0);
  });

  it("with the callback's own error, though the lock could not be released", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const own = new Error("the work failed");
    const failed = setting.manager({ endpoints: proxy.endpoint }).request(setting.key, async () => {
      proxy.cut();
      throw own;
    });
    await assert.rejects(failed, (error) => error === own);
    await proxy.resume();
    await setting.lineLength(0);
  });

  it("when etcd cannot be reached, and asks for nothing later", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, connectTimeout: 1_500 });
    proxy.cut();
    const requests = [{}, { ifAvailable: true }, { steal: true }].map((options) =>
      assert.rejects(manager.request(setting.key, options, unexpected), EtcdUnavailableError),
    );
    await Promise.all(requests);
    await assert.rejects(manager.query(), EtcdUnavailableError);
    await proxy.resume();
    assert.equal(await manager.request(setting.key, () => "again"), "again");
  });

  it("when the manager is closed, also one that waits", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const manager = setting.manager();
    const waiting = manager.request(setting.key, unexpected);
    waiting.catch(() => undefined);
    await isWaiting(manager);
    await manager.close();
    await assert.rejects(waiting, { code: "CLOSED" });
    await assert.rejects(manager.request(setting.key, unexpected), { code: "CLOSED" });
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    await holder.release();
  });
});

describe("requests of one manager", { concurrency: true }, () => {
  it("are granted in the order in which they were made, though the first has to open the session", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const order: number[] = [];
    // Opening the session takes the first one longer than those that follow.
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => manager.request(setting.key, () => void order.push(index))),
    );
    assert.deepEqual(order, [...order.keys()]);
  });
});

describe("a query", { concurrency: true }, () => {
  it("sees everybody in line, wherever they are: acquired, requested, and etcdctl's", async (t) => {
    const setting = setUp(t);
    const acquirer = setting.manager({ id: "acquirer" });
    const lock = await acquirer.acquire(setting.key, { mode: "shared" });
    const requester = setting.manager();
    const requested = hold(requester, setting.key, { mode: "shared" });
    await requested.granted;
    await using foreign = startEtcdctlLock(setting.cluster, setting.key);
    await setting.lineLength(3);
    const [, , waiting] = (await readLine(setting.cluster, setting.key)).entries;
    const onlooker = setting.manager();
    assert.deepEqual(await onlooker.query(), { held: [], pending: [] });
    assert.equal(await onlooker.request(setting.key, { ifAvailable: true }, (found) => found), null);
    const { held, pending } = await onlooker.query();
    assert.deepEqual(
      held.map(({ name, mode }) => [name, mode]),
      [
        [setting.key, "shared"],
        [setting.key, "shared"],
      ],
    );
    assert.match(held[0]?.clientId ?? "", new RegExp(`/${process.pid}/${lock.leaseId.toString(16)}$`));
    assert.deepEqual(pending, [{ name: setting.key, mode: "exclusive", clientId: waiting?.lease }]);
    await lock.release();
    requested.end();
    await requested.done;
    const { key } = await foreign.held();
    await eventually(
      "the foreign holder is seen",
      () => onlooker.query(),
      (snapshot) => snapshot.held.length === 1 && key.endsWith(snapshot.held[0]?.clientId ?? "none"),
    );
    await foreign.release();
    await setting.cluster.etcdctl("lease", "revoke", waiting?.lease ?? "");
  });

  it("counts a holder who died as holding, until the lock is to be had again", async (t) => {
    const setting = setUp(t);
    const holder = hold(setting.manager(), setting.key);
    await holder.granted;
    const onlooker = setting.manager();
    await onlooker.request(setting.key, { ifAvailable: true }, () => undefined);
    const before = await onlooker.query();
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    assert.deepEqual(await onlooker.query(), before);
    await assert.rejects(holder.done, { name: "AbortError" });
    holder.end();
    await eventually(
      "it is free",
      () => onlooker.query(),
      ({ held }) => held.length === 0,
    );
  });
});
