import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdRefusedError } from "#dist/index.js";
import { fillUp, makeSpace } from "../support/etcd-space.ts";
import { within } from "../support/eventually.ts";
import { collectErrors, etcdOfTest, isWaiting } from "../support/lock-setting.ts";
import { readLine } from "../support/stored-line.ts";

describe("without space for writes in etcd (NOSPACE)", () => {
  it("held locks survive, can be given back, and waiters keep their place; new ones are refused clearly", async (t) => {
    const setting = await etcdOfTest(t, { extraArguments: [`--quota-backend-bytes=${4 * 1024 * 1024}`] });
    const { cluster, key } = setting;
    const lock = setting.lock({ ttl: 3 });
    const freed = setting.lock({ ttl: 3, key: `${key}freed` });
    const errors = collectErrors(lock);
    await Promise.all([lock.lock(), freed.lock()]);
    const waiter = setting.manager({ ttl: 3 });
    const turn = waiter.acquire(key);
    await isWaiting(waiter);
    await fillUp(cluster);
    const newcomer = setting.manager({ ttl: 3 });
    await assert.rejects(newcomer.acquire(`${key}new`), (error) => {
      assert.ok(error instanceof EtcdRefusedError, `${error}`);
      assert.equal(error.status, "RESOURCE_EXHAUSTED");
      assert.match(error.message, /space/);
      return true;
    });
    // Longer than a TTL without a write.
    await delay(4_000);
    assert.deepEqual([lock.held, freed.held, errors], [true, true, []]);
    await freed.unlock();
    assert.deepEqual((await readLine(cluster, `${key}freed`)).entries, []);
    const [, place] = (await readLine(cluster, key)).entries;
    await lock.unlock();
    assert.equal(await Promise.race([turn, delay(500, "waits")]), "waits");
    assert.equal((await readLine(cluster, key)).entries[0]?.createRevision, place?.createRevision);
    await makeSpace(cluster);
    const held = await within(5_000, "the turn of the waiter", turn);
    await held.verify();
  });
});
