import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HeldLock, LockManager, LockMode } from "#dist/index.js";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";
import { readLine } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Somebody who stands in line, behind others. */
interface Waiter {
  readonly turn: Promise<HeldLock>;
}

/** Resolves when `manager` stands in the line of `name`. */
async function enter(manager: LockManager, name: string, mode: LockMode): Promise<Waiter> {
  const entered = isWaiting(manager);
  const turn = manager.acquire(name, { mode });
  await entered;
  return { turn };
}

async function states(manager: LockManager, name: string): Promise<string[]> {
  return (await manager.inspect(name)).entries.map(({ state }) => state);
}

describe("shared locks", { concurrency: true }, () => {
  it("are held together, by any number of managers, and keep exclusive ones out", async (t) => {
    const setting = setUp(t);
    const managers = [setting.manager(), setting.manager()];
    const locks = await Promise.all(
      [...managers, ...managers, ...managers].map((manager) => manager.acquire(setting.key, { mode: "shared" })),
    );
    assert.ok(locks.every(({ held, mode }) => held && mode === "shared"));
    assert.equal(new Set(locks.map(({ fencingToken }) => fencingToken)).size, locks.length);
    assert.equal(await setting.manager().tryAcquire(setting.key), null);
    const writer = await enter(setting.manager(), setting.key, "exclusive");
    for (const lock of locks.slice(1)) await lock.release();
    assert.deepEqual(await states(setting.manager(), setting.key), ["holding", "waiting"]);
    await locks[0]?.release();
    const lock = await within(3_000, "the writer's turn", writer.turn);
    assert.ok(locks.every(({ fencingToken }) => fencingToken < lock.fencingToken));
    assert.equal(await setting.manager().tryAcquire(setting.key, { mode: "shared" }), null);
    await lock.release();
  });

  it("that come after a waiting exclusive one wait behind it, and are then all granted together", async (t) => {
    const setting = setUp(t);
    const reader = await setting.manager().acquire(setting.key, { mode: "shared" });
    const writer = await enter(setting.manager(), setting.key, "exclusive");
    const late = [setting.manager(), setting.manager()];
    const readers: Waiter[] = [];
    for (const manager of [...late, ...late]) readers.push(await enter(manager, setting.key, "shared"));
    assert.equal(await setting.manager().tryAcquire(setting.key, { mode: "shared" }), null);
    const observer = setting.manager();
    const waiting = Array.from({ length: readers.length }, () => "waiting");
    assert.deepEqual(await states(observer, setting.key), ["holding", "waiting", ...waiting]);
    await reader.release();
    const written = await within(3_000, "the writer's turn", writer.turn);
    assert.deepEqual(await states(observer, setting.key), ["holding", ...waiting]);
    await written.release();
    const locks = await within(3_000, "the readers' turn", Promise.all(readers.map(({ turn }) => turn)));
    assert.ok(locks.every(({ held }) => held));
    for (const lock of locks) await lock.release();
  });

  it("let an exclusive one in though new ones come without end", async (t) => {
    const setting = setUp(t);
    const managers = [setting.manager(), setting.manager()];
    const traffic = new AbortController();
    const readers = managers.flatMap((manager) =>
      [1, 2, 3].map(async () => {
        while (!traffic.signal.aborted)
          await manager.withLock(setting.key, { mode: "shared" }, () => manager.inspect(setting.key));
      }),
    );
    const writer = setting.manager();
    for (let count = 0; count < 3; count += 1) {
      const lock = await within(10_000, "the writer's turn among readers", writer.acquire(setting.key));
      const holders = (await states(writer, setting.key)).filter((state) => state === "holding");
      assert.equal(holders.length, 1);
      await lock.release();
    }
    traffic.abort();
    await Promise.all(readers);
  });

  it("are never held beside an exclusive one, whatever comes when", async (t) => {
    const setting = setUp(t);
    const managers = [setting.manager(), setting.manager(), setting.manager()];
    const inside = { shared: 0, exclusive: 0 };
    let mostShared = 0;
    let turns = 0;
    const contenders = managers.flatMap((manager, index) =>
      ([..."sse"] as const).map(async (kind) => {
        const mode = kind === "s" ? "shared" : "exclusive";
        for (let count = 0; count < 8 + index; count += 1) {
          await manager.withLock(setting.key, { mode }, async (lock) => {
            inside[mode] += 1;
            mostShared = Math.max(mostShared, inside.shared);
            assert.ok(inside.exclusive === 0 || inside.exclusive + inside.shared === 1, JSON.stringify(inside));
            if (count % 3 === 0) await lock.verify();
            inside[mode] -= 1;
            turns += 1;
          });
        }
      }),
    );
    await within(30_000, "everybody has had all turns", Promise.all(contenders));
    assert.equal(turns, 3 * (8 + 9 + 10));
    assert.ok(mostShared > 1, "readers were never together");
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
  });

  it("and locks of etcdctl, which are exclusive, keep each other out in the order of entering", async (t) => {
    const setting = setUp(t);
    const reader = await setting.manager().acquire(setting.key, { mode: "shared" });
    await using foreign = startEtcdctlLock(setting.cluster, setting.key, { ttl: 2 });
    await setting.lineLength(2);
    const late = await enter(setting.manager(), setting.key, "shared");
    assert.equal(foreign.program.stdout, "");
    await reader.release();
    await foreign.held();
    assert.deepEqual(await states(setting.manager(), setting.key), ["holding", "waiting"]);
    await foreign.release();
    await (await within(3_000, "the reader's turn", late.turn)).release();
  });

  it("of one who is gone keep only exclusive ones waiting, until they are outlived", async (t) => {
    const setting = setUp(t);
    const ttl = 2;
    const gone = await setting.manager({ ttl }).acquire(setting.key, { mode: "shared" });
    const goneAt = performance.now();
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    const reader = await setting.manager().tryAcquire(setting.key, { mode: "shared" });
    assert.equal(reader?.held, true);
    await reader?.release();
    assert.equal(await setting.manager().tryAcquire(setting.key), null);
    const writer = await within(10_000, "the writer's turn", setting.manager().acquire(setting.key));
    assert.ok(performance.now() - goneAt > (ttl * 1_000) / 2);
    assert.equal(gone.held, false);
    await writer.release();
  });
});
