import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Lock, LockLostError } from "#dist/index.js";
import { startEtcd } from "#dist/testing/index.js";
import { within } from "../support/eventually.ts";
import { collectErrors, etcdOfFile, etcdOfTest, isWaiting, nextLoss } from "../support/lock-setting.ts";
import { restoreSnapshot } from "../support/restore-snapshot.ts";
import { readLine, readOnlyRecord } from "../support/stored-line.ts";

const setUp = etcdOfFile();
const ttl = 8;

/**
 * Renews a lock, has etcd fail, and checks that the loss is told once: after most of the TTL, and before the lease can
 * have ended, a TTL after the last keepalive that was answered, which was sent after `sentAfter`.
 */
async function assertToldInTime(lock: Lock, fail: () => void): Promise<{ error: LockLostError; at: number }> {
  const errors = collectErrors(lock);
  const told = nextLoss(lock);
  const sentAfter = performance.now();
  await lock.lock();
  const { signal } = lock;
  fail();
  const { error, at } = await told;
  assert.ok(at < sentAfter + ttl * 1_000, `told ${at - sentAfter} ms after the last renewal was sent`);
  assert.ok(at > sentAfter + ttl * 800, `told ${at - sentAfter} ms after the last renewal was sent`);
  assert.deepEqual([error.reason, signal.reason, lock.held], ["deadline", error, false]);
  await delay(1_000);
  assert.deepEqual(errors, [error]);
  return { error, at };
}

describe("the loss is told once, before the lease can end", { concurrency: true }, () => {
  it("when etcd is frozen", async (t) => {
    const setting = await etcdOfTest(t);
    const lock = setting.lock({ ttl });
    await lock.lock();
    await assertToldInTime(lock, () => setting.member.pause());
    setting.member.resume();
    await within(2 * ttl * 1_000, "the lock again, after etcd woke up", lock.lock());
    assert.equal(lock.held, true);
  });

  for (const [fault, inject] of [
    ["the connection is cut", "cut"],
    ["the network swallows everything", "hold"],
    ["the network swallows the answers", "dropAnswers"],
  ] as const) {
    it(`when ${fault}, and the next in line is served only afterwards`, async (t) => {
      const setting = setUp(t);
      const proxy = await setting.proxy();
      const lock = setting.lock({ etcd: proxy.endpoint, ttl });
      await lock.lock();
      const waiter = setting.manager();
      const turn = waiter.acquire(setting.key).then((held) => ({ held, at: performance.now() }));
      await isWaiting(waiter);
      const loss = await assertToldInTime(lock, () => proxy[inject]());
      // While nothing but the answers is swallowed, the renewals that the holder does not know of go on to be seen.
      await proxy.resume();
      const next = await within(3 * ttl * 1_000, "the next one's turn", turn);
      assert.ok(next.at > loss.at);
      assert.ok(next.held.fencingToken > loss.error.fencingToken);
    });
  }

  it("whose time counts from when the renewal was sent, however late its answer came", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const held = await setting.manager({ endpoints: proxy.endpoint, ttl }).acquire(setting.key);
    const sentAfter = performance.now();
    proxy.hold();
    const renewed = held.renew();
    await delay(600);
    await proxy.resume();
    await renewed;
    const deadline = performance.now() + held.remaining;
    assert.ok(deadline < sentAfter + ttl * 1_000 - 300, `${deadline - sentAfter} ms after the sending`);
    await held.release();
  });
});

describe("the loss is told", { concurrency: true }, () => {
  it("when etcd comes back without its data, and a new lock can be had", async (t) => {
    const setting = await etcdOfTest(t);
    const lock = setting.lock({ ttl });
    const errors = collectErrors(lock);
    await lock.lock();
    const told = nextLoss(lock);
    await setting.member.kill();
    await setting.member.wipe();
    await setting.member.start();
    const { error } = await within(ttl * 1_000, "the loss", told);
    assert.match(error.reason, /^(entry-deleted|lease-ended|cluster-changed)$/);
    await within(5_000, "the lock again", lock.lock());
    assert.deepEqual([lock.held, errors], [true, [error]]);
  });

  it("when another cluster answers at the address, and a new lock can be had there", async (t) => {
    const setting = await etcdOfTest(t);
    const lock = setting.lock({ ttl });
    const errors = collectErrors(lock);
    await lock.lock();
    const told = nextLoss(lock);
    await setting.member.kill();
    const port = Number(setting.member.endpoint.split(":")[1]);
    const other = await startEtcd({ ports: [port] });
    setting.onEnd(() => other.stop());
    const { error } = await within(ttl * 1_000, "the loss", told);
    assert.match(error.reason, /^(entry-deleted|cluster-changed)$/);
    await within(5_000, "the lock again", lock.lock());
    assert.deepEqual([lock.held, errors], [true, [error]]);
    assert.equal((await readLine(other, setting.key)).entries.length, 1);
  });

  for (const [what, token, touches] of [
    ["an older snapshot, in which the lock is the same", "etcd-cluster", 3],
    ["a snapshot of just now, as another cluster", "another-cluster", 0],
  ] as const) {
    it(`when etcd is restored from ${what}`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "etcd-lock-snapshot-"));
      t.after(() => rm(folder, { recursive: true }));
      const setting = await etcdOfTest(t, { dataDir: join(folder, "etcd") });
      const { cluster, member, key } = setting;
      const lock = setting.lock({ ttl: 10 });
      await lock.lock();
      const members = JSON.parse(await cluster.etcdctl("member", "list", "--write-out=json"));
      const [{ name, peerURLs }] = members.members;
      await cluster.etcdctl("snapshot", "save", join(folder, "snapshot"));
      // What the holder has seen since then is not in the snapshot.
      for (let touch = 0; touch < touches; touch += 1) await lock.lock();
      const told = nextLoss(lock);
      await member.kill();
      await member.wipe();
      await restoreSnapshot(
        join(folder, "snapshot"),
        `--data-dir=${join(folder, "etcd", name, "data")}`,
        `--name=${name}`,
        `--initial-cluster=${name}=${peerURLs[0]}`,
        `--initial-advertise-peer-urls=${peerURLs[0]}`,
        `--initial-cluster-token=${token}`,
      );
      await member.start();
      assert.equal((await readLine(cluster, key)).entries.length, 1);
      const { error } = await within(10_000, "the loss", told);
      assert.equal(error.reason, "cluster-changed");
      await within(15_000, "the lock again", lock.lock());
    });
  }
});

describe("a passing error is no loss:", { concurrency: true }, () => {
  for (const [fault, inject] of [
    ["a connection that is cut", "cut"],
    ["a network that swallows everything", "hold"],
    ["answers that are lost", "dropAnswers"],
    ["a connection that is reset", "reset"],
  ] as const) {
    it(`${fault}, for less than the deadline`, async (t) => {
      const setting = setUp(t);
      const proxy = await setting.proxy();
      const lock = setting.lock({ etcd: proxy.endpoint, ttl: 20 });
      lock.refreshInterval = 1_000;
      const errors = collectErrors(lock);
      await lock.lock();
      const token = lock.fencingToken;
      // Renewals fall into it whenever they are due.
      proxy[inject]();
      await delay(3_200);
      await proxy.resume();
      const { modRevision } = await readOnlyRecord(setting.cluster, setting.key);
      await lock.lock();
      await delay(2_000);
      assert.ok((await readOnlyRecord(setting.cluster, setting.key)).modRevision > modRevision);
      assert.deepEqual([lock.held, lock.fencingToken, errors], [true, token, []]);
      await lock.unlock();
    });
  }

  it("a refresh that fails rejects, and the lock is held on", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const lock = setting.lock({ etcd: proxy.endpoint, ttl });
    await lock.lock();
    proxy.cut();
    await assert.rejects(lock.lock(), { code: "ETCD_UNAVAILABLE" });
    assert.equal(lock.held, true);
    await proxy.resume();
    await lock.lock();
    await lock.unlock();
  });

  it("two of three addresses at which nobody answers, whatever is tried first", async (t) => {
    const setting = setUp(t);
    const [refusing, silent] = [await setting.proxy(), await setting.proxy()];
    refusing.cut();
    silent.hold();
    const endpoints = [refusing.endpoint, silent.endpoint, setting.member.endpoint];
    const lock = setting.lock({ etcd: endpoints, ttl: 2 });
    const errors = collectErrors(lock);
    await lock.lock();
    await delay(6_000);
    assert.deepEqual([lock.held, errors], [true, []]);
    await lock.unlock();
  });

  it("a manager tells of each renewal that failed, and of the next that did not", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl, refreshInterval: 200 });
    const failures: Error[] = [];
    const held = await manager.acquire(setting.key);
    const failed = new Promise((resolve) => manager.on("renewalFailed", ({ error }) => resolve(failures.push(error))));
    proxy.cut();
    await within(3_000, "a renewal failed", failed);
    const renewed = new Promise((resolve) => manager.once("renewed", ({ lock }) => resolve(lock)));
    await proxy.resume();
    assert.equal(await within(3_000, "a renewal succeeded", renewed), held);
    assert.match(failures[0]?.message ?? "", /could not be reached/);
    assert.equal(held.held, true);
  });
});
