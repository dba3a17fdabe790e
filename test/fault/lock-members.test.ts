import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually, within } from "../support/eventually.ts";
import { collectErrors, etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile({ members: 3 });

interface Held {
  /** Resolves when the lock, which has been held all the time, is renewed again. */
  readonly assertSurvives: () => Promise<void>;
  readonly unlock: () => Promise<void>;
}

/** A lock that is held, with its renewals in half a TTL as they are by default. */
async function hold(setting: LockSetting, ttl: number): Promise<Held> {
  const lock = setting.lock({ ttl });
  const errors = collectErrors(lock);
  await lock.lock();
  const token = lock.fencingToken;
  return {
    assertSurvives: async () => {
      const { modRevision } = await readOnlyRecord(setting.cluster, setting.key);
      await eventually(
        "it is renewed again",
        async () => {
          assert.deepEqual([lock.held, lock.fencingToken, errors], [true, token, []]);
          return await readOnlyRecord(setting.cluster, setting.key);
        },
        (record) => record.modRevision > modRevision,
        ttl * 1_000,
      );
    },
    unlock: () => lock.unlock(),
  };
}

describe("a held lock with a TTL of 5 survives", () => {
  it("the death of the leader; and who waits, at whatever member, is served within 2 s", async (t) => {
    const setting = setUp(t);
    const { unlock, assertSurvives } = await hold(setting, 5);
    const { endpoints } = setting.cluster;
    const waiters = endpoints.map((_, index) =>
      setting.manager({ endpoints: [...endpoints.slice(index), ...endpoints.slice(0, index)] }),
    );
    const turns = waiters.map(async (waiter) => {
      const held = await waiter.acquire(setting.key);
      await held.release();
    });
    await Promise.all(waiters.map(isWaiting));
    const leader = await setting.cluster.leader();
    await leader.kill();
    await setting.cluster.leader();
    await assertSurvives();
    await unlock();
    await within(waiters.length * 2_000, "everybody's turn", Promise.all(turns));
    await leader.start();
  });

  it("a leader that hangs, and wakes up again", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting, 5);
    const leader = await setting.cluster.leader();
    leader.pause();
    await delay(3_500);
    leader.resume();
    await assertSurvives();
  });

  it("each member that hangs, also the one that it talks to", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting, 5);
    const leader = await setting.cluster.leader();
    for (const member of setting.cluster.members.filter(({ name }) => name !== leader.name)) {
      member.pause();
      await delay(3_000);
      member.resume();
    }
    await assertSurvives();
  });

  it("a restart of all members, one after the other", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting, 5);
    for (const member of setting.cluster.members) {
      await member.kill("SIGTERM");
      await member.start();
    }
    await assertSurvives();
  });
});

describe("a held lock", () => {
  it("survives that there is no leader for a while, and an election after that, within its deadline", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting, 10);
    const [, ...others] = setting.cluster.members;
    for (const member of others) member.pause();
    await delay(2_000);
    for (const member of others) member.resume();
    await assertSurvives();
  });
});

describe("a lock", () => {
  it("is taken within 2 s while one of three members is dead, whichever is asked first", async (t) => {
    const setting = setUp(t);
    const { members, endpoints } = setting.cluster;
    const [dead] = members;
    assert.ok(dead);
    await dead.kill();
    await setting.cluster.leader();
    for (const offset of [0, 1, 2]) {
      const turned = [...endpoints.slice(offset), ...endpoints.slice(0, offset)];
      const manager = setting.manager({ endpoints: turned });
      const held = await within(2_000, "the lock", manager.acquire(`${setting.key}${offset}`));
      await held.release();
    }
    await dead.start();
  });
});
