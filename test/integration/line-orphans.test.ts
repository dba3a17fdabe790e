import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { HeldLock } from "#dist/index.js";
import { fixture } from "../support/etcdlocker.ts";
import { eventually, within } from "../support/eventually.ts";
import { collectErrors, etcdOfFile, isWaiting, type LockSetting, nextLoss } from "../support/lock-setting.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { readLine, readOnlyEntry, readOnlyRecord, type StoredKey } from "../support/stored-line.ts";

const setUp = etcdOfFile();
const ttl = 3;
const ttlMs = ttl * 1_000;

interface Holder {
  readonly program: Program;
  readonly entry: StoredKey;
  readonly token: bigint;
}

/** A process of its own that holds the test's lock, and renews it. */
async function holdInProcess(setting: LockSetting): Promise<Holder> {
  const words = [fixture("hold-on"), setting.cluster.endpoints.join(","), setting.key, `${ttl}`];
  const program = startProgram(process.execPath, words);
  const { text } = await program.line(/^held \d+$/);
  const entry = await readOnlyEntry(setting.cluster, setting.key);
  const record = await readOnlyRecord(setting.cluster, setting.key);
  setting.onEnd(async () => {
    await program.kill();
    // The lease of the record would outlive the test by ten minutes.
    for (const { lease } of [entry, record]) await setting.cluster.etcdctl("lease", "revoke", lease).catch(() => "");
  });
  return { program, entry, token: BigInt(text.split(" ")[1] ?? "") };
}

interface Waiter {
  /** Resolves when the turn has come. */
  readonly turn: Promise<{ readonly held: HeldLock; readonly at: number }>;
}

/** Somebody who stands in the test's line, and waits. */
async function wait(setting: LockSetting): Promise<Waiter> {
  const manager = setting.manager({ ttl });
  const turn = manager.acquire(setting.key).then((held) => ({ held, at: performance.now() }));
  await isWaiting(manager);
  return { turn };
}

/** Resolves when the record has been touched again, to just before the touch was seen. */
async function nextTouch({ cluster, key }: LockSetting): Promise<number> {
  const { modRevision } = await readOnlyRecord(cluster, key);
  let before = performance.now();
  await eventually(
    "the record is touched",
    async () => {
      before = performance.now();
      return await readOnlyRecord(cluster, key);
    },
    (record) => record.modRevision > modRevision,
  );
  // The touch came after the read that did not show it, which took less than this.
  return before - 200;
}

describe("a hold whose entry is gone", { concurrency: true }, () => {
  it("of a frozen holder, whose lease was revoked by hand, is outlived: nobody enters within its TTL of its last touch", async (t) => {
    const setting = setUp(t);
    const { program, entry, token } = await holdInProcess(setting);
    const { turn } = await wait(setting);
    const touchedAt = await nextTouch(setting);
    program.signal("SIGSTOP");
    await setting.cluster.etcdctl("lease", "revoke", entry.lease);
    const next = await within(2 * ttlMs + 2_000, "the turn", turn);
    assert.ok(next.at > touchedAt + ttlMs, `${next.at - touchedAt} ms after the touch`);
    assert.ok(next.held.fencingToken > token);
    // It learns of it as soon as it wakes up.
    program.signal("SIGCONT");
    await program.line(/^lost /);
    await next.held.verify();
    await next.held.release();
  });

  it("of a frozen holder is outlived by a newcomer too, who counts from when it first saw it", async (t) => {
    const setting = setUp(t);
    const { program, entry } = await holdInProcess(setting);
    program.signal("SIGSTOP");
    await setting.cluster.etcdctl("lease", "revoke", entry.lease);
    await delay(ttlMs / 2);
    const enteredAt = performance.now();
    const held = await within(2 * ttlMs, "the turn", setting.manager().acquire(setting.key));
    assert.ok(performance.now() - enteredAt >= ttlMs);
    await held.release();
  });

  it("of a crashed holder is followed after about one TTL, not two", async (t) => {
    const setting = setUp(t);
    const { program } = await holdInProcess(setting);
    const { turn } = await wait(setting);
    await nextTouch(setting);
    program.signal("SIGKILL");
    const killedAt = performance.now();
    const next = await within(4 * ttlMs, "the turn", turn);
    const elapsedMs = next.at - killedAt;
    assert.ok(elapsedMs < 1.6 * ttlMs, `followed after ${elapsedMs} ms`);
    assert.deepEqual((await readLine(setting.cluster, setting.key)).records.length, 1);
    await next.held.release();
  });

  it("of a crashed holder is outlived by tries that do not wait, when one manager makes them again and again", async (t) => {
    const setting = setUp(t);
    const { program } = await holdInProcess(setting);
    program.signal("SIGKILL");
    const triedAt = performance.now();
    const manager = setting.manager();
    assert.equal(await manager.tryAcquire(setting.key), null);
    const held = await eventually(
      "a try succeeds",
      () => manager.tryAcquire(setting.key),
      (lock) => lock !== null,
      10 * ttlMs,
    );
    assert.ok(performance.now() - triedAt > ttlMs);
    await held?.release();
  });

  it("of a crashed holder is followed in order by those who waited, without another wait each", async (t) => {
    const setting = setUp(t);
    const { program } = await holdInProcess(setting);
    const turns = [await wait(setting), await wait(setting), await wait(setting)].map(({ turn }) => turn);
    program.signal("SIGKILL");
    const served: number[] = [];
    await Promise.all(
      turns.map(async (turn, index) => {
        const { held } = await within(4 * ttlMs, "the turn", turn);
        served.push(index);
        await held.release();
      }),
    );
    assert.deepEqual(served, [0, 1, 2]);
    const [first, , last] = await Promise.all(turns);
    assert.ok((last?.at ?? 0) - (first?.at ?? 0) < 1_000);
  });

  it("of a holder that runs: it is told within a second, and when it says that it has stopped, the next one enters", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager({ ttl: 60 });
    const holder = await manager.acquire(setting.key);
    const { turn } = await wait(setting);
    const { lease } = (await readLine(setting.cluster, setting.key)).entries[0] ?? { lease: "" };
    const lost = new Promise((resolve) => holder.signal.addEventListener("abort", () => resolve(performance.now())));
    await setting.cluster.etcdctl("lease", "revoke", lease);
    await within(1_000, "the loss", lost);
    // Whatever it had to do to stop: the next one waits for that.
    assert.equal(await Promise.race([turn, delay(500, "waits")]), "waits");
    assert.equal(await holder.release(), false);
    const next = await within(1_000, "the turn", turn);
    assert.ok(next.held.fencingToken > holder.fencingToken);
    await next.held.release();
  });

  it("of a lock of 1.x's kind that runs: the next one enters when the lock is used again", async (t) => {
    const setting = setUp(t);
    const lock = setting.lock({ ttl: 60 });
    const errors = collectErrors(lock);
    await lock.lock();
    const { turn } = await wait(setting);
    const told = nextLoss(lock);
    const { lease } = (await readLine(setting.cluster, setting.key)).entries[0] ?? { lease: "" };
    await setting.cluster.etcdctl("lease", "revoke", lease);
    await within(1_000, "the loss", told);
    const taken = lock.lock();
    const next = await within(1_000, "the turn of the next", turn);
    assert.equal(lock.held, false);
    await next.held.release();
    await within(1_000, "our own turn", taken);
    assert.deepEqual([lock.held, errors.length], [true, 1]);
  });

  it("counts from the touches that are seen: a holder that still touches is not outlived", async (t) => {
    const setting = setUp(t);
    const { cluster, key } = setting;
    const { program } = await holdInProcess(setting);
    const record = await readOnlyRecord(cluster, key);
    const { turn } = await wait(setting);
    program.signal("SIGKILL");
    // By hand, as whoever has lost the entry but not the record would: until long after its entry has expired.
    let touchesEndAt = Number.POSITIVE_INFINITY;
    while (performance.now() < touchesEndAt) {
      await cluster.etcdctl("put", "--ignore-lease", record.key, record.value);
      const { entries } = await readLine(cluster, key);
      if (entries.length === 1) touchesEndAt = Math.min(touchesEndAt, performance.now() + ttlMs * 1.5);
      await delay(200);
    }
    const lastTouchAt = performance.now();
    const next = await within(2 * ttlMs, "the turn", turn);
    assert.ok(next.at > lastTouchAt - 300 + ttlMs, `${next.at - lastTouchAt} ms after the last touch`);
    await next.held.release();
  });

  it("is shown by inspect() until it is outlived, and leaves no record behind", async (t) => {
    const setting = setUp(t);
    const { program, entry, token } = await holdInProcess(setting);
    program.signal("SIGSTOP");
    await setting.cluster.etcdctl("lease", "revoke", entry.lease);
    const manager = setting.manager({ ttl });
    const { entries } = await manager.inspect(setting.key);
    assert.deepEqual(
      entries.map(({ state, id, fencingToken }) => ({ state, id, fencingToken })),
      [{ state: "orphan", id: "holding on", fencingToken: token }],
    );
    const held = await within(2 * ttlMs, "the turn", manager.acquire(setting.key));
    const record = await readOnlyRecord(setting.cluster, setting.key);
    assert.equal(record.createRevision, held.fencingToken);
    await held.release();
  });
});
