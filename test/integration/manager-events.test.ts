import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { describe, it, type TestContext } from "node:test";
import { EtcdUnavailableError, type LockManager, type LockManagerEvents, LockTimeoutError } from "#dist/index.js";
import { within } from "../support/eventually.ts";
import { etcdOfFile } from "../support/lock-setting.ts";

const setUp = etcdOfFile();

const names = [
  "acquiring",
  "waiting",
  "acquired",
  "failed",
  "renewed",
  "renewalFailed",
  "atRisk",
  "lost",
  "released",
] as const satisfies readonly (keyof LockManagerEvents)[];

interface Told {
  readonly name: string;
  readonly payload: unknown;
}

/** What a manager tells from now on. */
function listen(manager: LockManager): Told[] {
  const told: Told[] = [];
  for (const name of names) {
    // The names are those of the events; which one it is, TypeScript cannot follow.
    manager.on(name as "renewed", (payload) => told.push({ name, payload }));
  }
  return told;
}

/** What is published on the channels from now on, by all managers of this process. */
function listenToChannels(t: TestContext): Told[] {
  const told: Told[] = [];
  for (const name of names) {
    const onMessage = (payload: unknown): void => void told.push({ name, payload });
    subscribe(`etcd-lock:${name}`, onMessage);
    t.after(() => unsubscribe(`etcd-lock:${name}`, onMessage));
  }
  return told;
}

function namesOf(told: readonly Told[]): string[] {
  return told.map(({ name }) => name);
}

/** The first event of this name. */
async function next<Name extends keyof LockManagerEvents>(
  manager: LockManager,
  name: Name,
  limitMs = 5_000,
): Promise<LockManagerEvents[Name][0]> {
  const [payload] = await within(limitMs, `the event ${name}`, once(manager, name));
  return payload;
}

describe("a manager tells", { concurrency: true }, () => {
  it("when a lock is being acquired, is held, and was given back, and how long that took", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const told = listen(manager);
    const [beginning, end] = [next(manager, "acquired"), next(manager, "released")];
    const lock = await manager.acquire(setting.key);
    const acquired = await beginning;
    assert.equal(acquired.lock, lock);
    assert.ok(acquired.waited >= 0);
    await lock.renew();
    await lock.release();
    const released = await end;
    assert.equal(released.lock, lock);
    assert.ok(released.heldFor > 0);
    assert.deepEqual(namesOf(told), ["acquiring", "acquired", "renewed", "released"]);
    assert.deepEqual(told[0]?.payload, { names: [setting.key] });
  });

  it("when it has to wait, and where, and that the wait counts from the start", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const manager = setting.manager();
    const told = listen(manager);
    const startedAt = performance.now();
    const turn = manager.acquire(setting.key);
    const { name, key } = await next(manager, "waiting");
    assert.equal(name, setting.key);
    assert.equal((await manager.inspect(setting.key)).entries[1]?.key, key);
    const enteredAt = performance.now();
    const acquired = next(manager, "acquired");
    await holder.release();
    const { lock, waited } = await acquired;
    assert.equal(await turn, lock);
    assert.ok(waited >= enteredAt - startedAt - 1 && waited <= performance.now() - startedAt + 1, `${waited}`);
    await lock.release();
    assert.deepEqual(namesOf(told), ["acquiring", "waiting", "acquired", "released"]);
  });

  it("when a lock was not to be had: with the error of the call, and after how long", async (t) => {
    const setting = setUp(t);
    const holder = await setting.heldElsewhere();
    const manager = setting.manager();
    const told = listen(manager);
    const failed = next(manager, "failed");
    const error = await manager.acquire(setting.key, { timeout: 200 }).catch((reason: unknown) => reason);
    assert.ok(error instanceof LockTimeoutError);
    const payload = await failed;
    assert.deepEqual([payload.names, payload.error], [[setting.key], error]);
    assert.ok(payload.waited >= 199);
    await manager.tryAcquire(setting.key);
    assert.deepEqual(namesOf(told), ["acquiring", "waiting", "failed", "acquiring", "waiting", "failed"]);
    await holder.release();
  });

  it("of several locks at once: one beginning, and each lock", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const told = listen(manager);
    const all = [`${setting.key}a`, `${setting.key}b`];
    const locks = await manager.acquireAll(all);
    await locks.release();
    assert.deepEqual(namesOf(told), ["acquiring", "acquired", "acquired", "released", "released"]);
    assert.deepEqual(told[0]?.payload, { names: all });
  });

  it("of each renewal that is proved", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager({ refreshInterval: 50 });
    const lock = await manager.acquire(setting.key);
    for (let count = 0; count < 3; count += 1) assert.equal((await next(manager, "renewed")).lock, lock);
    await lock.release();
  });

  it("of renewals that fail, of the risk, and of the loss, in this order, once each but the first", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 2 });
    const lock = await manager.acquire(setting.key);
    const told = listen(manager);
    const [failure, risk, loss] = [next(manager, "renewalFailed"), next(manager, "atRisk"), next(manager, "lost")];
    proxy.cut();
    assert.ok((await failure).error instanceof EtcdUnavailableError);
    const { remaining, ...atRisk } = await risk;
    assert.equal(atRisk.lock, lock);
    assert.ok(remaining > 0 && remaining < 1_000, `${remaining}`);
    const lost = await loss;
    assert.deepEqual([lost.lock, lost.error, lock.signal.reason], [lock, lost.error, lost.error]);
    await proxy.resume();
    const cleaned = next(manager, "released", 10_000);
    assert.equal(await lock.release(), false);
    assert.equal((await cleaned).lock, lock);
    const others = namesOf(told).filter((name) => name !== "renewalFailed" && name !== "renewed");
    assert.deepEqual(others, ["atRisk", "lost", "released"]);
  });

  it("of a risk that is over: renewed again, and not lost", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint, ttl: 6 });
    const lock = await manager.acquire(setting.key);
    const risk = next(manager, "atRisk", 10_000);
    proxy.cut();
    await risk;
    const renewal = next(manager, "renewed");
    await proxy.resume();
    assert.equal((await renewal).lock, lock);
    assert.equal(lock.held, true);
    await lock.release();
  });
});

describe("the diagnostics channels", () => {
  it("publish the same payloads under etcd-lock:<event>", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const published = listenToChannels(t);
    const told = listen(manager);
    const lock = await manager.acquire(setting.key, { refreshInterval: 1_000 });
    assert.equal(await manager.tryAcquire(setting.key), null);
    await lock.renew();
    const loss = next(manager, "lost");
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    await loss;
    await lock.release();
    assert.deepEqual(
      new Set(namesOf(told)),
      new Set(["acquiring", "acquired", "waiting", "failed", "renewed", "lost", "released"]),
    );
    assert.deepEqual(namesOf(published), namesOf(told));
    assert.ok(published.every(({ payload }, index) => payload === told[index]?.payload));
  });

  it("are all there is to hear of a loss, if anything: nothing is thrown when nobody listens", async (t) => {
    const setting = setUp(t);
    const lock = await setting.manager().acquire(setting.key);
    const told = new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    await within(3_000, "the loss", told);
    assert.equal(await lock.release(), false);
  });
});
