import assert from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError, Lock, LockManager, type LockManagerSettings, LockTimeoutError } from "#dist/index.js";
import { type Etcd3, provideClients } from "../support/clients.ts";
import { eventually, within } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import {
  collectErrors,
  etcdOfFile,
  etcdOfTest,
  isWaiting,
  type LockSetting,
  nextLoss,
} from "../support/lock-setting.ts";

const setUp = etcdOfFile();
const clients = await provideClients();

/** They stay open to the end, so that what was left behind them can be tidied up. */
const opened: Etcd3[] = [];
after(() => {
  for (const client of opened) client.close();
});

/** A client as somebody has it in a program. */
function clientTo(hosts: string | readonly string[], options: object = {}): Etcd3 {
  const client = clients.etcd3({ hosts: typeof hosts === "string" ? hosts : [...hosts], ...options });
  opened.push(client);
  return client;
}

function clientOf(setting: LockSetting): Etcd3 {
  return clientTo(setting.cluster.endpoints.map((endpoint) => `http://${endpoint}`));
}

function managerOver(setting: LockSetting, client: Etcd3, settings: LockManagerSettings = {}): LockManager {
  const manager = new LockManager(client, { ttl: 5, ...settings });
  setting.onEnd(() => manager.close());
  return manager;
}

function setUpWithClient(t: TestContext): { setting: LockSetting; client: Etcd3; manager: LockManager } {
  const setting = setUp(t);
  const client = clientOf(setting);
  return { setting, client, manager: managerOver(setting, client) };
}

describe("over a client of the package etcd3", { concurrency: 4 }, () => {
  it("a lock is in the same line as those of others, and is handed over in both directions", async (t) => {
    const { setting, manager } = setUpWithClient(t);
    const other = setting.manager();
    const first = await manager.acquire(setting.key);
    const second = other.acquire(setting.key);
    await isWaiting(other);
    const third = manager.acquire(setting.key);
    await setting.lineLength(3);
    await first.release();
    const held = await within(30_000, "the second", second);
    assert.ok(held.fencingToken > first.fencingToken);
    await held.release();
    await (await within(30_000, "the third", third)).release();
  });

  it("Lock takes the client, too, and gives the lock back", async (t) => {
    const { setting, client } = setUpWithClient(t);
    const lock = new Lock(client, setting.key, "i", 5);
    await lock.lock();
    assert.equal(lock.held, true);
    await assert.rejects(new Lock(client, setting.key, "i", 5).lock({ timeout: 3_000 }), LockTimeoutError);
    await lock.unlock();
    await setting.lineLength(0);
  });

  it("a lock is renewed as often as asked", async (t) => {
    const { setting, client } = setUpWithClient(t);
    const manager = managerOver(setting, client, { ttl: 60, refreshInterval: 300 });
    const lock = await manager.acquire(setting.key);
    let renewals = 0;
    manager.on("renewed", () => {
      renewals += 1;
    });
    await eventually(
      "several renewals",
      () => renewals,
      (count) => count >= 4,
      40_000,
    );
    assert.equal(lock.held, true);
    await lock.release();
  });

  it("shared locks are held together, and all of several at once", async (t) => {
    const { setting, client, manager } = setUpWithClient(t);
    const other = managerOver(setting, client);
    const shared = await Promise.all([manager, other].map((one) => one.acquire(setting.key, { mode: "shared" })));
    assert.equal(await manager.tryAcquire(setting.key), null);
    await Promise.all(shared.map((lock) => lock.release()));
    const names = ["a", "b", "c"].map((end) => setting.key + end);
    const [mine, theirs] = [await manager.acquireAll(names), other.acquireAll(names.toReversed())];
    await isWaiting(other);
    await mine.release();
    await (await within(30_000, "the others", theirs)).release();
  });

  it("the holder is told at once that its entry is gone", async (t) => {
    const { setting, client } = setUpWithClient(t);
    const lock = new Lock(client, setting.key, "i", 60);
    const errors = collectErrors(lock);
    await lock.lock();
    const told = nextLoss(lock);
    await setting.cluster.etcdctl("del", "--prefix", `${setting.key}/`);
    assert.equal((await told).error.reason, "entry-deleted");
    await assert.rejects(lock.unlock());
    assert.equal(errors.length, 1);
  });

  it("the holder is told before its lease can end that etcd is out of reach", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const ttl = 12;
    const lock = new Lock(clientTo(`http://${proxy.endpoint}`), setting.key, "i", ttl);
    await lock.lock();
    const lockedAt = performance.now();
    const told = nextLoss(lock);
    proxy.hold();
    const { error, at } = await told;
    assert.equal(error.reason, "deadline");
    assert.ok(at - lockedAt < ttl * 1_000, `told after ${at - lockedAt} ms`);
    await proxy.resume();
    await eventually(
      "it can be given back",
      () => lock.unlock().then(String, String),
      (words) => words.includes("NotHeldError") || words.includes("LockLostError"),
    );
  });

  it("a lock outlives an outage after which the client of the package would not try for seconds", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    const client = clientTo(`http://${proxy.endpoint}`);
    const lock = new Lock(client, setting.key, "i", 30);
    const errors = collectErrors(lock);
    await lock.lock();
    proxy.cut();
    // Its circuit breaker opens after three failures.
    for (let tries = 0; tries < 4; tries += 1) await assert.rejects(client.get("k").string());
    await assert.rejects(lock.lock(), EtcdUnavailableError);
    await proxy.resume();
    await eventually(
      "it is renewed",
      () =>
        lock.lock().then(
          () => true,
          () => false,
        ),
      (isRenewed) => isRenewed,
    );
    assert.deepEqual([lock.held, errors], [true, []]);
    await lock.unlock();
  });

  it("a wait rejects when etcd is out of reach, and goes on over another host when one is dead", async (t) => {
    const setting = setUp(t);
    const nobody = managerOver(setting, clientTo("http://127.0.0.1:1"), { connectTimeout: 500 });
    await assert.rejects(nobody.acquire(setting.key), EtcdUnavailableError);
    const hosts = ["http://127.0.0.1:1", `http://${setting.member.endpoint}`];
    const lock = await managerOver(setting, clientTo(hosts)).acquire(setting.key);
    await lock.release();
  });

  it("the client stays as it is, and open, when the manager is closed", async (t) => {
    const { setting, client, manager } = setUpWithClient(t);
    const before = Object.keys(client);
    await manager.acquire(setting.key);
    await manager.close();
    await setting.lineLength(0);
    await client.put(`${setting.key}-other`).value("v");
    assert.equal(await client.get(`${setting.key}-other`).string(), "v");
    await client.delete().key(`${setting.key}-other`);
    assert.deepEqual(Object.keys(client), before);
  });

  it("a closed client is said to be closed, and locks that are held are lost at their deadline", async (t) => {
    const setting = await etcdOfTest(t);
    const client = clientOf(setting);
    const lock = new Lock(client, setting.key, "i", 2);
    await lock.lock();
    const told = nextLoss(lock);
    client.close();
    assert.equal((await told).error.reason, "deadline");
    await assert.rejects(managerOver(setting, client, { connectTimeout: 300 }).acquire(`${setting.key}2`), /closed/);
  });

  it("a namespace is kept to: its prefix stands before every key, and is not part of any name", async (t) => {
    const { setting, client } = setUpWithClient(t);
    const [inside, outside] = [managerOver(setting, client.namespace("app/")), managerOver(setting, client)];
    const name = setting.key.slice(1);
    const lock = await inside.acquire(name);
    const keys = await listKeys(setting.cluster, `app/${name}`);
    assert.equal(keys.length, 2);
    assert.deepEqual(
      (await inside.list("")).map((line) => line.name),
      [name],
    );
    const waiting = inside.acquire(name);
    await isWaiting(inside);
    // From outside, it is the name with the prefix.
    assert.equal(await outside.tryAcquire(`app/${name}`), null);
    const free = await outside.acquire(name);
    await free.release();
    await lock.put("result", "of the namespace");
    assert.equal(await client.get("app/result").string(), "of the namespace");
    await client.delete().key("app/result");
    await lock.release();
    await (await within(30_000, "the hand-over", waiting)).release();
  });

  it("many locks travel together, and all are given back", async (t) => {
    const { setting, manager } = setUpWithClient(t);
    const locks = await Promise.all(
      Array.from({ length: 100 }, (_, number) => manager.acquire(`${setting.key}${number}`)),
    );
    assert.ok(locks.every(({ held }) => held));
    await Promise.all(locks.map((lock) => lock.release()));
    assert.deepEqual(await listKeys(setting.cluster, setting.key), []);
  });
});

describe("over a client of the package etcd3 of a secured cluster", () => {
  it("its certificates and its user are used", async (t) => {
    const setting = await etcdOfTest(t, { tls: true, auth: true });
    const { tls, user, endpoints } = setting.cluster;
    assert.ok(tls !== undefined && user !== undefined);
    const client = clientTo(endpoints, {
      credentials: {
        rootCertificate: Buffer.from(tls.ca),
        privateKey: Buffer.from(tls.key),
        certChain: Buffer.from(tls.cert),
      },
      auth: { username: user.name, password: user.password },
    });
    const manager = managerOver(setting, client);
    const other = managerOver(setting, client);
    const lock = await manager.acquire(setting.key);
    const waiting = other.acquire(setting.key);
    await isWaiting(other);
    await delay(100);
    await lock.release();
    await (await within(30_000, "the lock", waiting)).release();
  });
});
