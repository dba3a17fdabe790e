import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LockLostError, LockTimeoutError, NotHeldError } from "#dist/index.js";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { readGrantedTtl, readLine, readOnlyEntry, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Takes the entry of the test's key away, behind its owner's back. */
async function deleteEntry({ cluster, key }: LockSetting): Promise<void> {
  await cluster.etcdctl("del", "--prefix", `${key}/`);
}

describe("an acquired lock", { concurrency: true }, () => {
  it("says what is held, by whom, how, and with which proofs", async (t) => {
    const setting = setUp(t);
    await using lock = await setting.manager({ id: "billing-7" }).acquire(setting.key);
    const entry = await readOnlyEntry(setting.cluster, setting.key);
    const record = await readOnlyRecord(setting.cluster, setting.key);
    const { name, id, mode, ttl, held } = lock;
    assert.deepEqual(
      { name, id, mode, ttl, held },
      { name: setting.key, id: "billing-7", mode: "exclusive", ttl: 10, held: true },
    );
    assert.equal(lock.createRevision, entry.createRevision);
    assert.equal(lock.fencingToken, record.createRevision);
    assert.equal(lock.leaseId.toString(16), entry.lease);
    assert.ok(lock.remaining > 0 && lock.remaining <= 10_000);
    assert.equal(lock.signal.aborted, false);
    lock.assertHeld();
  });

  it("is given back once, however often, and says each time whether it was held until then", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    assert.deepEqual(await Promise.all([lock.release(), lock.release()]), [true, true]);
    assert.equal(await lock.release(), true);
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
    assert.deepEqual([lock.held, lock.remaining, lock.signal.aborted], [false, 0, false]);
    assert.throws(() => lock.assertHeld(), NotHeldError);
  });

  it("was not held until its release when somebody deleted it before", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    await deleteEntry(setting);
    assert.deepEqual([await lock.release(), await lock.release()], [false, false]);
    assert.ok(lock.signal.reason instanceof LockLostError);
    assert.throws(() => lock.assertHeld(), /released|deleted/);
  });

  it("ends with the block it is declared in", async (t) => {
    const setting = setUp(t);
    {
      await using lock = await setting.manager().acquire(setting.key);
      assert.equal(lock.held, true);
    }
    assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
  });

  it("has the ttl, id and metadata that were given for it, beside others of the same manager", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager({ ttl: 60, id: "usual" });
    const metadata = { command: ["backup", "--all"], nested: { deep: [1, null, true] } };
    await using usual = await manager.acquire(`${setting.key}usual`);
    await using lock = await manager.acquire(setting.key, { ttl: 7, id: "special", metadata });
    assert.deepEqual([usual.ttl, usual.id, lock.ttl, lock.id], [60, "usual", 7, "special"]);
    assert.notEqual(usual.leaseId, lock.leaseId);
    assert.equal(await readGrantedTtl(setting.cluster, await readOnlyEntry(setting.cluster, setting.key)), 7);
    const [entry] = (await manager.inspect(setting.key)).entries;
    assert.deepEqual([entry?.id, entry?.ttl, entry?.metadata], ["special", 7, metadata]);
  });
});

describe("a try", { concurrency: true }, () => {
  it("takes what is free, and gives null for what is not, having left the line", async (t) => {
    const setting = setUp(t);
    const [first, second] = [setting.manager(), setting.manager()];
    const lock = await first.tryAcquire(setting.key, { metadata: { try: 1 } });
    assert.equal(lock?.held, true);
    for (const manager of [first, second]) assert.equal(await manager.tryAcquire(setting.key), null);
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
    await lock?.release();
    await using again = await second.tryAcquire(setting.key);
    assert.equal(again?.held, true);
  });

  it("gives null while a holder that is gone may still be inside", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    await deleteEntry(setting);
    const other = setting.manager();
    assert.equal(await other.tryAcquire(setting.key), null);
    await lock.release();
    await using free = await other.tryAcquire(setting.key);
    assert.equal(free?.held, true);
  });

  it("that many make at once succeeds for one", async (t) => {
    const setting = setUp(t);
    const managers = Array.from({ length: 4 }, () => setting.manager());
    const tries = managers.flatMap((manager) => [1, 2, 3].map(() => manager.tryAcquire(setting.key)));
    const taken = (await Promise.all(tries)).filter((lock) => lock !== null);
    // When each sees the others enter, nobody need be first: but never are there two.
    assert.ok(taken.length <= 1);
    for (const lock of taken) await lock.release();
    assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
  });
});

describe("a wait", { concurrency: true }, () => {
  it("ends after its timeout, says who holds and how many were ahead, and has left the line", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const waiting = setting.manager({ id: "before us" });
    const turn = waiting.acquire(setting.key);
    await setting.lineLength(2);
    await assert.rejects(setting.manager().acquire(setting.key, { timeout: 250 }), (error) => {
      assert.ok(error instanceof LockTimeoutError);
      assert.match(error.message, /250 ms.*held by somebody else \(.+, pid \d+\), 2 ahead/);
      return true;
    });
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 2);
    await holder.release();
    await (await turn).release();
  });

  it("ends with the reason of its signal, and has left the line", async (t) => {
    const setting = setUp(t);
    await using _held = await setting.heldElsewhere();
    const controller = new AbortController();
    const turn = setting.manager().acquire(setting.key, { signal: controller.signal });
    await setting.lineLength(2);
    const reason = { any: "thing" };
    controller.abort(reason);
    await assert.rejects(turn, (error) => error === reason);
    assert.equal((await readLine(setting.cluster, setting.key)).entries.length, 1);
  });

  it("is no concern of its signal any more once the lock is held", async (t) => {
    const setting = setUp(t);
    const controller = new AbortController();
    await using lock = await setting.manager().acquire(setting.key, { signal: controller.signal, timeout: 100 });
    controller.abort();
    await lock.renew();
    assert.equal(lock.held, true);
  });

  it("tells where it stands, and ends in the order of entering, across managers", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const managers = [setting.manager(), setting.manager(), setting.manager()];
    const order: number[] = [];
    const keys: string[] = [];
    const turns: Promise<void>[] = [];
    for (let count = 0; count < 9; count += 1) {
      const manager = managers[count % managers.length] ?? setting.manager();
      const entered = isWaiting(manager);
      const onWaiting = ({ key }: { key: string }): void => void keys.push(key);
      turns.push(
        manager.withLock(setting.key, { onWaiting }, () => {
          order.push(count);
        }),
      );
      await entered;
    }
    const { entries } = await setting.manager().inspect(setting.key);
    assert.deepEqual(
      keys,
      entries.slice(1).map(({ key }) => key),
    );
    await holder.release();
    await within(10_000, "everybody's turn", Promise.all(turns));
    assert.deepEqual(order, [...order.keys()]);
  });

  for (const [argument, options, error] of [
    ["mode", { mode: "none" }, TypeError],
    ["permits", { permits: 0 }, RangeError],
    ["permits", { permits: 1.5 }, RangeError],
    ["permits", { mode: "shared", permits: 2 }, TypeError],
    ["timeout", { timeout: -1 }, RangeError],
    ["timeout", { timeout: "5s" }, TypeError],
    ["signal", { signal: {} }, TypeError],
    ["ttl", { ttl: 0.5 }, RangeError],
    ["metadata", { metadata: [] }, TypeError],
    ["metadata", { metadata: { large: "x".repeat(8_192) } }, RangeError],
  ] as const) {
    it(`does not begin with ${argument} as in ${JSON.stringify(options).slice(0, 40)}`, async (t) => {
      const setting = setUp(t);
      const manager = setting.manager();
      const acquire: (name: string, options: object) => Promise<unknown> = manager.acquire.bind(manager);
      await assert.rejects(acquire(setting.key, options), (thrown) => {
        assert.ok(thrown instanceof error);
        assert.match(thrown.message, new RegExp(`^${argument}.* must|^${argument} cannot`));
        return true;
      });
      assert.deepEqual((await readLine(setting.cluster, setting.key)).entries, []);
    });
  }
});
