import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HeldLocks, LockLostError, LockTimeoutError, NotHeldError } from "#dist/index.js";
import { eventually, within } from "../support/eventually.ts";
import { etcdOfFile, type LockSetting } from "../support/lock-setting.ts";
import { readKeys, readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** So many names of one test. */
function someNames(setting: LockSetting, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${setting.key}${index}`);
}

/** Rejects when anything is left in one of the lines. */
async function assertEmpty({ cluster, key }: LockSetting, names: readonly string[]): Promise<void> {
  const keys = (await readKeys(cluster, key)).map((stored) => stored.key);
  assert.deepEqual(
    keys.filter((stored) => names.some((name) => stored.startsWith(`${name}/`) || stored.startsWith(`${name}!`))),
    [],
  );
}

describe("several locks", { concurrency: true }, () => {
  it("are taken in one step, and given back in one step", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 3);
    const locks = await setting.manager().acquireAll(names);
    assert.deepEqual(locks.names, names);
    assert.equal(locks.held, true);
    assert.ok(locks.remaining > 0 && locks.remaining <= 10_000);
    locks.assertHeld();
    const entries = await Promise.all(names.map((name) => readOnlyEntry(setting.cluster, name)));
    assert.equal(new Set(entries.map(({ createRevision }) => createRevision)).size, 1);
    for (const name of names) {
      const { createRevision } = await readOnlyRecord(setting.cluster, name);
      assert.equal(locks.get(name).fencingToken, createRevision);
    }
    assert.throws(() => locks.get(`${setting.key}9`), RangeError);
    assert.deepEqual(await Promise.all([locks.release(), locks.release()]), [true, true]);
    assert.throws(() => locks.assertHeld(), NotHeldError);
    assert.deepEqual([locks.held, locks.remaining, locks.signal.aborted], [false, 0, false]);
    await assertEmpty(setting, names);
  });

  it("end with the block they are declared in", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 2);
    {
      await using locks = await setting.manager().acquireAll(names, { permits: 2, metadata: { batch: 1 } });
      assert.equal(locks.held, true);
    }
    await assertEmpty(setting, names);
  });

  it("are held only when all of them can be, in the places that were taken at the start", async (t) => {
    const setting = setUp(t);
    const [a = "", b = "", c = ""] = someNames(setting, 3);
    const held = await setting.manager().acquire(b);
    const waits: string[] = [];
    const all = setting.manager().acquireAll([a, b, c], { onWaiting: ({ name }) => waits.push(name) });
    await setting.lineLength(2, b);
    assert.ok(waits.includes(b));
    const other = setting.manager();
    // Free, and promised to those in line.
    assert.equal(await other.tryAcquire(a), null);
    assert.equal(await other.tryAcquireAll([c]), null);
    await held.release();
    const locks = await within(3_000, "all are to be had", all);
    assert.equal(locks.held, true);
    await locks.release();
  });

  it("are not taken by a try when one is not to be had, and no line has been kept", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 3);
    const manager = setting.manager();
    const held = await setting.manager().acquire(names[1] ?? "");
    assert.equal(await manager.tryAcquireAll(names), null);
    await held.release();
    await assertEmpty(setting, names);
    const locks = await manager.tryAcquireAll(names);
    assert.equal(locks?.held, true);
    await locks?.release();
  });

  it("have left all lines when the wait ends by its timeout or its signal", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 3);
    const held = await setting.manager({ id: "somebody" }).acquire(names[2] ?? "");
    const manager = setting.manager();
    await assert.rejects(manager.acquireAll(names, { timeout: 250 }), (error) => {
      assert.ok(error instanceof LockTimeoutError);
      assert.match(error.message, /held by somebody \(.+\), 1 ahead/);
      return true;
    });
    const controller = new AbortController();
    const all = manager.acquireAll(names, { signal: controller.signal });
    await setting.lineLength(2, names[2]);
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(all, (error) => error === reason);
    await assertEmpty(setting, names.slice(0, 2));
    await held.release();
    await assertEmpty(setting, names);
  });

  it("are lost together when one is: the signal tells, and a release gives the others back", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 3);
    const locks = await setting.manager().acquireAll(names);
    const lost = new Promise((resolve) => locks.signal.addEventListener("abort", resolve));
    await setting.cluster.etcdctl("del", "--prefix", `${names[1]}/`);
    await within(3_000, "the loss is told", lost);
    assert.ok(locks.signal.reason instanceof LockLostError);
    assert.equal(locks.signal.reason.key, names[1]);
    assert.deepEqual([locks.held, locks.remaining], [false, 0]);
    assert.throws(() => locks.assertHeld(), LockLostError);
    assert.equal(locks.get(names[0] ?? "").held, true);
    assert.equal(await locks.release(), false);
    await assertEmpty(setting, names);
  });

  it("cannot block each other for ever, in whatever order they are named", async (t) => {
    const setting = setUp(t);
    const [a = "", b = "", c = ""] = someNames(setting, 3);
    const orders = [[a, b], [b, a], [b, c], [c, b], [c, a, b], [a]];
    const managers = [setting.manager(), setting.manager()];
    const inside = new Set<string>();
    let turns = 0;
    const work = async (locks: HeldLocks): Promise<void> => {
      for (const name of locks.names) {
        assert.ok(!inside.has(name), `two are inside ${name}`);
        inside.add(name);
      }
      await locks.get(locks.names[0] ?? "").verify();
      for (const name of locks.names) inside.delete(name);
      turns += 1;
    };
    const contenders = managers.flatMap((manager) =>
      orders.map(async (names) => {
        for (let round = 0; round < 5; round += 1) {
          await using locks = await manager.acquireAll(names);
          await work(locks);
        }
      }),
    );
    await within(30_000, "all had their turns", Promise.all(contenders));
    assert.equal(turns, managers.length * orders.length * 5);
    await assertEmpty(setting, [a, b, c]);
  });

  it("can be shared, or of a semaphore, and then held by several", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 2);
    const managers = [setting.manager(), setting.manager()];
    for (const options of [{ mode: "shared" }, { permits: 2 }] as const) {
      const both = await Promise.all(managers.map((manager) => manager.acquireAll(names, options)));
      assert.ok(both.every(({ held }) => held));
      assert.equal(await managers[0]?.tryAcquireAll(names), null);
      for (const locks of both) await locks.release();
    }
  });

  it("are 60 at most, different ones, and at least one", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const names = someNames(setting, 61);
    const locks = await manager.acquireAll(names.slice(0, 60));
    assert.equal(locks.held, true);
    await locks.get(names[59] ?? "").renew();
    await locks.release();
    await assert.rejects(manager.acquireAll(names), RangeError);
    await assert.rejects(manager.acquireAll([]), RangeError);
    await assert.rejects(manager.acquireAll([setting.key, `${setting.key}0`, setting.key]), TypeError);
    await assertEmpty(setting, names);
  });

  it("stay held for as long as they are renewed, all of them", async (t) => {
    const setting = setUp(t);
    const names = someNames(setting, 3);
    const locks = await setting.manager({ ttl: 2, refreshInterval: 100 }).acquireAll(names);
    await eventually(
      "each record was written several times",
      () => Promise.all(names.map((name) => readOnlyRecord(setting.cluster, name))),
      (records) => records.every(({ version }) => version > 5),
    );
    assert.equal(locks.held, true);
    await locks.release();
  });
});
