import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Lock, LockLostError } from "#dist/index.js";
import { eventually, within } from "../support/eventually.ts";
import { collectErrors, etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile({ members: 3 });
const ttl = 5;

interface Held {
  readonly lock: Lock;
  readonly errors: readonly LockLostError[];
  /** Resolves when it has been renewed for longer than a TTL, without a loss, in the same place. */
  readonly assertSurvives: () => Promise<void>;
}

async function hold(setting: LockSetting): Promise<Held> {
  const lock = setting.lock({ ttl });
  const errors = collectErrors(lock);
  await lock.lock();
  const token = lock.fencingToken;
  return {
    lock,
    errors,
    assertSurvives: async () => {
      await delay(ttl * 1_000 + 1_000);
      await lock.lock();
      assert.deepEqual([lock.held, lock.fencingToken, errors], [true, token, []]);
      const { createRevision } = await readOnlyRecord(setting.cluster, setting.key);
      assert.equal(createRevision, token);
    },
  };
}

describe("a held lock with a TTL of 5 survives", () => {
  it("the death of the leader; and who waits, at whatever member, is served within 2 s of its release", async (t) => {
    const setting = setUp(t);
    const { lock, assertSurvives } = await hold(setting);
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
    await assertSurvives();
    await lock.unlock();
    await within(3 * 2_000, "everybody's turn", Promise.all(turns));
    await leader.start();
  });

  it("a leader that hangs, and wakes up again", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting);
    const leader = await setting.cluster.leader();
    leader.pause();
    await delay(3_000);
    leader.resume();
    await assertSurvives();
  });

  it("any member that hangs, also the one that it talks to", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting);
    const leader = await setting.cluster.leader();
    for (const member of setting.cluster.members.filter(({ name }) => name !== leader.name)) {
      member.pause();
      await delay(2_500);
      member.resume();
    }
    await assertSurvives();
  });

  it("that there is no leader for 2 s: the majority hangs", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting);
    const [, ...others] = setting.cluster.members;
    for (const member of others) member.pause();
    await delay(2_000);
    for (const member of others) member.resume();
    await assertSurvives();
  });

  it("a restart of all members, one after the other", async (t) => {
    const setting = setUp(t);
    const { assertSurvives } = await hold(setting);
    for (const member of setting.cluster.members) {
      await member.kill("SIGTERM");
      await member.start();
    }
    await assertSurvives();
  });
});

describe("a lock is taken within 2 s", () => {
  it("while one of three members is dead, another hangs for a moment, and whichever is asked first", async (t) => {
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
    await eventually(
      "all members answer again",
      () => setting.cluster.etcdctl("endpoint", "health").catch(() => ""),
      (answer) => answer !== "",
    );
  });
});
