import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AcquireOptions, HeldLock, LockManager } from "#dist/index.js";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { fixture } from "../support/etcdlocker.ts";
import { within } from "../support/eventually.ts";
import { etcdOfFile, etcdOfTest, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { mostTogether, type Stay } from "../support/overlap.ts";
import { startProgram } from "../support/programs.ts";
import { readLine } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Starts a process that uses permits, and resolves to the times that it was inside. */
async function usePermits(setting: LockSetting, permits: number, rounds: number, atOnce: number): Promise<Stay[]> {
  const { endpoints } = setting.cluster;
  const words = [fixture("permit-user"), endpoints.join(), setting.key, permits, rounds, atOnce].map(String);
  await using user = startProgram(process.execPath, words);
  const { code } = await user.end(60_000);
  assert.equal(code, 0, user.stderr);
  return [...user.stdout.matchAll(/in (\d+) out (\d+)/g)].map(([, from = "", to = ""]) => ({
    from: BigInt(from),
    to: BigInt(to),
  }));
}

/** Resolves to the turn of somebody who stands in line behind others. */
async function enter(
  manager: LockManager,
  name: string,
  options: AcquireOptions,
): Promise<{ turn: Promise<HeldLock> }> {
  const entered = isWaiting(manager);
  const turn = manager.acquire(name, options);
  await entered;
  return { turn };
}

async function heldCount(setting: LockSetting): Promise<number> {
  return (await readLine(setting.cluster, setting.key)).records.length;
}

describe("a semaphore", { concurrency: true }, () => {
  it("lets in as many as it has permits, of several managers, and the next when one leaves", async (t) => {
    const setting = setUp(t);
    const managers = [setting.manager(), setting.manager()];
    const locks: HeldLock[] = [];
    for (const manager of [...managers, ...managers.slice(1)]) {
      locks.push(await manager.acquire(setting.key, { permits: 3 }));
    }
    assert.ok(locks.every(({ held, mode }) => held && mode === "exclusive"));
    const other = setting.manager();
    assert.equal(await other.tryAcquire(setting.key, { permits: 3 }), null);
    const fourth = await enter(other, setting.key, { permits: 3 });
    // Whoever leaves need not be the one who came first.
    await locks[1]?.release();
    locks.push(await within(3_000, "the next gets the permit", fourth.turn));
    assert.equal(await heldCount(setting), 3);
    for (const lock of locks) await lock.release();
  });

  it("never lets in more over several processes, and all have their turns", async (t) => {
    const setting = setUp(t);
    const permits = 3;
    const users = Array.from({ length: 3 }, () => usePermits(setting, permits, 12, 3));
    const stays = (await Promise.all(users)).flat();
    assert.equal(stays.length, 3 * 12 * 3);
    assert.equal(mostTogether(stays), permits);
    assert.deepEqual(await readLine(setting.cluster, setting.key), { entries: [], records: [] });
  });

  it("whose users disagree has the smaller number, for as long as one of them wants it", async (t) => {
    const setting = setUp(t);
    const [generous, strict] = [setting.manager(), setting.manager()];
    const first = await generous.acquire(setting.key, { permits: 3 });
    const second = await generous.acquire(setting.key, { permits: 3 });
    const third = await enter(strict, setting.key, { permits: 2 });
    // Behind somebody strict there is no room for a third, though two who hold would allow it.
    assert.equal(await generous.tryAcquire(setting.key, { permits: 3 }), null);
    await first.release();
    const strictLock = await within(3_000, "the strict one gets in as the second", third.turn);
    assert.equal(await generous.tryAcquire(setting.key, { permits: 3 }), null);
    await strictLock.release();
    const locks = [
      await generous.acquire(setting.key, { permits: 3, timeout: 3_000 }),
      await generous.acquire(setting.key, { permits: 3, timeout: 3_000 }),
    ];
    assert.equal(await heldCount(setting), 3);
    for (const lock of [second, ...locks]) await lock.release();
  });

  it("never lets in more than the strictest of those inside allows, when many disagree", async (t) => {
    const setting = setUp(t);
    const managers = [setting.manager(), setting.manager(), setting.manager()];
    const inside: number[] = [];
    let turns = 0;
    const users = managers.flatMap((manager) =>
      [1, 2, 4].map(async (permits) => {
        for (let round = 0; round < 8; round += 1) {
          await manager.withLock(setting.key, { permits }, async (lock) => {
            inside.push(permits);
            assert.ok(inside.length <= Math.min(...inside), `inside: ${inside}`);
            await lock.verify();
            inside.splice(inside.indexOf(permits), 1);
            turns += 1;
          });
        }
      }),
    );
    await within(30_000, "everybody has had all turns", Promise.all(users));
    assert.equal(turns, 9 * 8);
  });

  it("shares its line with exclusive, shared and foreign locks", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const permit = await manager.acquire(setting.key, { permits: 2 });
    const reader = await manager.acquire(setting.key, { mode: "shared" });
    // Two are inside, which is all that the one with the permit tolerates.
    assert.equal(await manager.tryAcquire(setting.key, { mode: "shared" }), null);
    await using foreign = startEtcdctlLock(setting.cluster, setting.key, { ttl: 2 });
    await setting.lineLength(3);
    const last = await enter(setting.manager(), setting.key, { permits: 9 });
    await permit.release();
    await reader.release();
    await foreign.held();
    assert.equal(await heldCount(setting), 0);
    await foreign.release();
    await (await within(3_000, "the last one's turn", last.turn)).release();
  });
});

it("the permit of a process that was killed is free again when its lease has ended and it has been outlived", async (t) => {
  const setting = await etcdOfTest(t);
  const words = [
    fixture("hold-lock"),
    setting.cluster.endpoints.join(),
    setting.key,
    JSON.stringify({ permits: 2, ttl: 2 }),
  ];
  await using killed = startProgram(process.execPath, words);
  await killed.line(/^held/);
  const [survivor, newcomer] = [setting.manager(), setting.manager()];
  const lock = await survivor.acquire(setting.key, { permits: 2 });
  const waiter = await enter(newcomer, setting.key, { permits: 2 });
  await killed.kill();
  const next = await within(15_000, "the permit is free", waiter.turn);
  assert.equal(lock.held, true);
  assert.equal(await heldCount(setting), 2);
  await next.release();
  await lock.release();
});
