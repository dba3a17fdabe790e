import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fixture } from "../support/etcdlocker.ts";
import { within } from "../support/eventually.ts";
import { nextLoss } from "../support/lock-setting.ts";
import { startProgram } from "../support/programs.ts";
import { v2IsMissing, v2OfFile } from "../support/v2-setting.ts";

const setUp = v2OfFile();

describe("etcd-lock 1.1.0 and this version, on the v2 API", { concurrency: true, skip: v2IsMissing }, () => {
  it("are never inside at the same time, and each gets its turns", async (t) => {
    const setting = setUp(t);
    const { clients, endpoint, key } = setting;
    const contenders = [
      clients.lock1(endpoint, key, "old-1", 60),
      clients.lock1(endpoint, key, "old-2", 60),
      setting.lock({ id: "new-1", ttl: 60 }),
      setting.lock({ id: "new-2", ttl: 60, etcd: clients.nodeEtcd(7, `http://${endpoint}`) }),
    ];
    let inside = 0;
    const turns = contenders.map(async (lock) => {
      for (let turn = 0; turn < 5; turn += 1) {
        await lock.lock();
        inside += 1;
        assert.equal(inside, 1);
        await delay(10);
        assert.equal(inside, 1);
        inside -= 1;
        await lock.unlock();
      }
    });
    await within(60_000, "all turns", Promise.all(turns));
  });

  it("wait for each other through renewals, for longer than the TTL", async (t) => {
    const setting = setUp(t);
    const old = setting.clients.lock1(setting.endpoint, setting.key, "old", 10);
    const lock = setting.lock({ ttl: 10 });
    for (const [holder, waiter] of [
      [old, lock],
      [lock, old],
    ] as const) {
      await holder.lock();
      let isIn = false;
      const waiting = waiter.lock().then(() => {
        isIn = true;
      });
      await delay(12_000);
      assert.equal(isIn, false);
      await holder.unlock();
      await within(20_000, "the lock", waiting);
      await waiter.unlock();
    }
  });

  it("get the lock when the other has died, at the end of its TTL", async (t) => {
    const setting = setUp(t);
    const ttl = 4;
    const words = [setting.endpoint, setting.key, "dies", String(ttl)];
    await using program = startProgram(process.execPath, [fixture("hold-v2"), ...words]);
    await program.line(/^held$/);
    const old = setting.clients.lock1(setting.endpoint, setting.key, "old", 60);
    const waiting = old.lock();
    await program.kill();
    await within(30_000, "the lock", waiting);
    await old.unlock();
  });

  it("do not share a lock when the old one has the same id, and is there first", async (t) => {
    const setting = setUp(t);
    const old = setting.clients.lock1(setting.endpoint, setting.key, "same", 60);
    await old.lock();
    const lock = setting.lock({ id: "same", ttl: 60 });
    const waiting = lock.lock();
    await delay(500);
    assert.equal(lock.held, false);
    await old.unlock();
    await within(20_000, "the lock", waiting);
    // The old one takes a key with its id for its own: that cannot be prevented, but it is told.
    const told = nextLoss(lock);
    await old.lock();
    assert.equal((await told).error.reason, "entry-overwritten");
    await old.unlock();
  });
});
