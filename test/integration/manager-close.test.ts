import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { LockManager, NotHeldError } from "#dist/index.js";
import { fixture } from "../support/etcdlocker.ts";
import { within } from "../support/eventually.ts";
import { assertNothingLeft, listLeases } from "../support/leftovers.ts";
import { etcdOfTest, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { rootOf } from "../support/secured.ts";
import { readKeys, readLine } from "../support/stored-line.ts";

// What is left in etcd is looked at: each test has one to itself.

function startHolder(setting: LockSetting, options: object = {}): Program {
  const { endpoints } = setting.cluster;
  const words = [fixture("hold-lock"), endpoints.join(), setting.key, JSON.stringify(options)];
  return startProgram(process.execPath, words);
}

describe("closing a manager", { concurrency: 2 }, () => {
  it("leaves every line, gives back every lock, and ends its leases: nothing is left in etcd", async (t) => {
    const setting = await etcdOfTest(t);
    const holder = await setting.heldElsewhere();
    const manager = setting.manager();
    const held = await manager.acquire(`${setting.key}a`);
    const others = await manager.acquireAll([`${setting.key}b`, `${setting.key}c`], { ttl: 9 });
    const waiting = [
      manager.acquire(setting.key),
      manager.acquire(setting.key, { mode: "shared" }),
      manager.acquireAll([setting.key, `${setting.key}d`]),
      manager.withLock(setting.key, () => assert.fail("the work began")),
    ];
    const outcomes = Promise.allSettled(waiting);
    await setting.lineLength(1 + waiting.length);
    await manager.close();
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === "rejected");
      assert.equal(outcome.reason.code, "CLOSED");
    }
    assert.deepEqual([held.held, others.held, held.signal.aborted], [false, false, false]);
    assert.throws(() => held.assertHeld(), NotHeldError);
    assert.equal(await held.release(), true);
    // The other manager's lock, and its two leases, are all there is.
    assert.equal((await readKeys(setting.cluster, setting.key)).length, 2);
    assert.equal((await listLeases(setting.cluster)).length, 2);
    await holder.verify();
  });

  for (const auth of [false, true]) {
    it(`gives back more locks than fit into one transaction of etcd${auth ? ", also as a user of it" : ""}`, async (t) => {
      const setting = await etcdOfTest(t, { auth });
      const user = auth ? rootOf(setting.cluster) : undefined;
      const manager = setting.manager({ user, ttl: 60 });
      const locks = await Promise.all(Array.from({ length: 300 }, (_, n) => manager.acquire(`${setting.key}${n}`)));
      const next = setting.manager({ user });
      const waiting = next.acquire(`${setting.key}150`);
      await isWaiting(next);
      await manager.close();
      const taken = await within(5_000, "the lock is the next one's", waiting);
      const released = await Promise.all(locks.map((lock) => lock.release()));
      assert.ok(released.every((wasHeld) => wasHeld));
      assert.equal((await readKeys(setting.cluster, setting.key)).length, 2);
      await taken.release();
      await next.close();
      await assertNothingLeft(setting.cluster, "", 0);
    });
  }

  it("is the end of it: nothing can be asked of it any more, and closing again does no harm", async (t) => {
    const setting = await etcdOfTest(t);
    const manager = setting.manager();
    await Promise.all([manager.close(), manager.close()]);
    await manager.close();
    for (const call of [
      () => manager.acquire(setting.key),
      () => manager.tryAcquire(setting.key),
      () => manager.acquireAll([setting.key]),
      () => manager.withLock(setting.key, () => assert.fail("the work began")),
      () => manager.inspect(setting.key),
      () => manager.breakLock(setting.key, { fencingToken: 1n }),
    ]) {
      await assert.rejects(call, { code: "CLOSED" });
    }
  });

  it("ends what is under way at any moment, and leaves nothing", async (t) => {
    const setting = await etcdOfTest(t);
    for (let delayMs = 0; delayMs < 12; delayMs += 1) {
      const manager = setting.manager();
      const calls = [manager.acquire(setting.key), manager.acquireAll([setting.key, `${setting.key}b`])];
      const outcomes = Promise.allSettled(calls);
      if (delayMs > 0) await delay(delayMs);
      await manager.close();
      for (const outcome of await outcomes) {
        if (outcome.status === "fulfilled") assert.equal(outcome.value.held, false);
        else assert.equal(outcome.reason.code, "CLOSED");
      }
    }
    await assertNothingLeft(setting.cluster);
  });

  it("happens at the end of the block that it is declared in", async (t) => {
    const setting = await etcdOfTest(t);
    {
      await using manager = new LockManager({ endpoints: setting.cluster.endpoints });
      await manager.acquire(setting.key);
    }
    await assertNothingLeft(setting.cluster, "", 0);
  });

  it("rejects in time when etcd does not answer, keeps the process no longer, and what is left ends by itself", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    const words = [fixture("close-manager"), proxy.endpoint, setting.key, "2"];
    await using program = startProgram(process.execPath, words);
    await program.line(/^held/);
    proxy.hold();
    program.child.stdin?.write("\n");
    await program.line(/^ETCD_UNAVAILABLE/, 12_000);
    assert.equal((await program.end(5_000)).code, 0);
    const lock = await within(15_000, "the lock is free", setting.manager().acquire(setting.key));
    await lock.release();
  });
});

describe("a process", { concurrency: 2 }, () => {
  it("ends by itself when its manager is idle, and leaves no lease", async (t) => {
    const setting = await etcdOfTest(t);
    await using program = startHolder(setting, { ttl: 60 });
    await program.line(/^held/);
    program.child.stdin?.write("\n");
    const { code } = await program.end(10_000);
    assert.equal(code, 0, program.stderr);
    assert.match(program.stdout, /released true/);
    await assertNothingLeft(setting.cluster, "", 0);
  });

  it("stays alive while it holds a lock, or waits for one", async (t) => {
    const setting = await etcdOfTest(t);
    await using holder = startHolder(setting);
    await holder.line(/^held/);
    await using waiter = startHolder(setting);
    await waiter.line(/^waiting/);
    assert.equal(await Promise.race([holder.ended, waiter.ended, delay(1_000, "both live")]), "both live");
    holder.child.stdin?.write("\n");
    await holder.end(10_000);
    await waiter.line(/^held/);
    waiter.child.stdin?.write("\n");
    assert.equal((await waiter.end(10_000)).code, 0);
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
    await assertNothingLeft(setting.cluster, "", 0);
  });

  it("that is killed leaves its lock to the next in line, when it has been outlived", async (t) => {
    const setting = await etcdOfTest(t);
    await using holder = startHolder(setting, { ttl: 2 });
    await holder.line(/^held/);
    const manager = setting.manager();
    const turn = manager.acquire(setting.key);
    await isWaiting(manager);
    await holder.kill();
    const killedAt = performance.now();
    const lock = await within(15_000, "our turn", turn);
    assert.ok(performance.now() - killedAt > 500, "nobody could know yet that it was gone");
    await lock.release();
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
  });
});
