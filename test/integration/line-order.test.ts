import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { assertServedInOrder, etcdctl, ourLock, ourProcess } from "../support/contenders.ts";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { eventually, within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { readLine, type StoredKey } from "../support/stored-line.ts";

const setUp = etcdOfFile();

function assertKey(stored: StoredKey | undefined): StoredKey {
  assert.ok(stored);
  return stored;
}

describe("a line is served in order of arrival, one at a time, with growing tokens,", { concurrency: true }, () => {
  it("over processes", async (t) => {
    await assertServedInOrder(setUp(t), [ourProcess, ourLock, ourProcess, ourProcess, ourLock, ourLock]);
  });

  it("when etcdctl is ahead, between, and behind", async (t) => {
    await assertServedInOrder(setUp(t), [etcdctl, ourProcess, etcdctl, ourLock, etcdctl, etcdctl, ourLock]);
  });

  it("when we are ahead of etcdctl", async (t) => {
    await assertServedInOrder(setUp(t), [ourLock, etcdctl, ourProcess, etcdctl]);
  });

  it("over many locks of one process, and one session", async (t) => {
    await assertServedInOrder(
      setUp(t),
      Array.from({ length: 25 }, () => ourLock),
    );
  });
});

describe("a line goes on", { concurrency: true }, () => {
  it("past waiters who left it, were killed, or gave up", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const manager = setting.manager();
    const controller = new AbortController();
    const left = assert.rejects(manager.acquire(setting.key, { signal: controller.signal }), /left/);
    await setting.lineLength(2);
    const foreign = startEtcdctlLock(setting.cluster, setting.key, { ttl: 2 });
    setting.onEnd(() => foreign[Symbol.asyncDispose]());
    await setting.lineLength(3);
    const turn = setting.manager().acquire(setting.key);
    await setting.lineLength(4);
    controller.abort(new Error("left"));
    await left;
    // Its entry stays until its lease ends.
    await foreign[Symbol.asyncDispose]();
    await holder.release();
    const held = await within(10_000, "the turn of the one behind", turn);
    assert.equal(held.held, true);
  });

  it("when the holder is a foreign one that was killed: after its TTL", async (t) => {
    const setting = setUp(t);
    const foreign = startEtcdctlLock(setting.cluster, setting.key, { ttl: 2 });
    await foreign.held();
    const manager = setting.manager();
    const turn = manager.acquire(setting.key);
    await isWaiting(manager);
    await foreign[Symbol.asyncDispose]();
    await within(6_000, "our turn", turn);
  });
});

describe("a key in the line that is not ours", { concurrency: true }, () => {
  it("counts as an exclusive entry, whatever it is called and whatever it says, until it is gone", async (t) => {
    const setting = setUp(t);
    const values = ["", "text", "{}", "[1]", '{"limit":"unlimited"}', '{"limit":5,"id":7}', "x".repeat(100_000)];
    const turns = values.map(async (value, index) => {
      const key = `${setting.key}${index}`;
      await setting.cluster.etcdctl("put", "--", `${key}/whatever it is`, value);
      const manager = setting.manager();
      const turn = manager.acquire(key);
      await isWaiting(manager);
      assert.equal(await Promise.race([turn, delay(300, "waits")]), "waits");
      await setting.cluster.etcdctl("del", `${key}/whatever it is`);
      const held = await within(2_000, "the turn", turn);
      assert.equal(held.held, true);
      return index;
    });
    assert.equal((await Promise.all(turns)).length, values.length);
  });

  it("that is deeper does not block, and is no reason to wait", async (t) => {
    const setting = setUp(t);
    await setting.cluster.etcdctl("put", `${setting.key}/b/c`, "somebody else's");
    const manager = setting.manager();
    const first = await within(2_000, "the lock", manager.acquire(setting.key));
    const turns = [1, 2].map(() => setting.manager().acquire(setting.key));
    await eventually(
      "all are in line",
      () => readLine(setting.cluster, setting.key),
      ({ entries }) => entries.length === 4,
    );
    await first.release();
    const second = await within(2_000, "the second one's turn", Promise.race(turns));
    await second.release();
    for (const held of await within(2_000, "everybody's turn", Promise.all(turns))) await held.release();
    await setting.cluster.etcdctl("del", `${setting.key}/b/c`);
  });

  it("that looks like a hold record of ours, and has no entry, is outlived like one", async (t) => {
    const setting = setUp(t);
    await setting.cluster.etcdctl("put", `${setting.key}!abc`, JSON.stringify({ id: "nobody", ttl: 2 }));
    await setting.cluster.etcdctl("put", `${setting.key}!not like one`, "of no meaning");
    const manager = setting.manager();
    const startedAt = performance.now();
    const held = await within(10_000, "the lock", manager.acquire(setting.key));
    assert.ok(performance.now() - startedAt >= 2_000);
    assert.equal(held.held, true);
    await setting.cluster.etcdctl("del", `${setting.key}!not like one`);
  });
});

describe("a waiter whose entry is gone", { concurrency: true }, () => {
  for (const [injury, inflict] of [
    ["deleted", ({ cluster }, { key }) => cluster.etcdctl("del", key)],
    ["overwritten", ({ cluster }, { key }) => cluster.etcdctl("put", key, "mine")],
    ["deleted with its lease", ({ cluster }, { lease }) => cluster.etcdctl("lease", "revoke", lease)],
  ] as const satisfies readonly (readonly [string, (setting: LockSetting, entry: StoredKey) => Promise<string>])[]) {
    it(`because it was ${injury} enters again at the end, and is served`, async (t) => {
      const setting = setUp(t);
      const holder = await setting.heldElsewhere();
      const injured = setting.manager().acquire(setting.key);
      await setting.lineLength(2);
      const entry = assertKey((await readLine(setting.cluster, setting.key)).entries[1]);
      const behind = setting.manager().acquire(setting.key);
      await setting.lineLength(3);
      await inflict(setting, entry);
      await eventually(
        "there is a new entry at the end",
        () => readLine(setting.cluster, setting.key),
        ({ entries }) => (entries.at(-1)?.createRevision ?? 0n) > entry.modRevision + 1n,
        3_000,
      );
      if (injury === "overwritten") await setting.cluster.etcdctl("del", entry.key);
      await setting.lineLength(3);
      await holder.release();
      const next = await within(2_000, "the turn of the one who was behind", behind);
      assert.equal(await Promise.race([injured, delay(200, "waits")]), "waits");
      await next.release();
      await within(2_000, "the turn of the injured one", injured);
    });
  }

  it("is told nothing of it by an error, and does not jump the queue when it was next", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const lock = setting.lock();
    const taken = lock.lock();
    await setting.lineLength(2);
    const other = setting.manager().acquire(setting.key);
    await setting.lineLength(3);
    const entry = assertKey((await readLine(setting.cluster, setting.key)).entries[1]);
    await setting.cluster.etcdctl("del", entry.key);
    await holder.release();
    const next = await within(2_000, "the other's turn", other);
    await next.verify();
    await next.release();
    await within(2_000, "our turn", taken);
  });
});
