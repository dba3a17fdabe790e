import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { EtcdRefusedError, EtcdUserOptions, LockManager } from "#dist/index.js";
import type { EtcdCluster } from "#dist/testing/index.js";
import { eventually } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import { etcdOfFile, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { addUser, tlsOf } from "../support/secured.ts";

const inCluster = etcdOfFile({ tls: true, auth: true });

/** A role on one prefix, as docs/secured-clusters.md gives it. */
const prefix = "/test/";
const users = new Map<string, Promise<EtcdUserOptions>>();

/** A test's setting, in which managers are those of a user with the least permissions. */
async function setUp(
  t: TestContext,
): Promise<{ setting: LockSetting; cluster: EtcdCluster; manager: () => LockManager }> {
  const setting = inCluster(t);
  const { cluster } = setting;
  const locker = users.get("locker") ?? addUser(cluster, "locker", prefix);
  users.set("locker", locker);
  const user = await locker;
  return { setting, cluster, manager: () => setting.manager({ tls: tlsOf(cluster), user }) };
}

function isDenied(...words: readonly string[]): (error: EtcdRefusedError) => boolean {
  return (error) => {
    assert.equal(error.code, "ETCD_REFUSED");
    assert.equal(error.status, "PERMISSION_DENIED");
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    return true;
  };
}

describe("with a role on a prefix, and no other permission", { concurrency: true }, () => {
  it("a lock is taken, waited for, renewed, touched, and given back", async (t) => {
    const { setting, manager } = await setUp(t);
    const [one, other] = [manager(), manager()];
    const held = await one.acquire(setting.key);
    const waiting = other.acquire(setting.key);
    await isWaiting(other);
    const failures: Error[] = [];
    one.on("renewalFailed", ({ error }) => failures.push(error));
    await held.renew();
    await held.verify();
    await held.setMetadata({ stage: 2 });
    assert.equal(await held.release(), true);
    const next = await waiting;
    assert.ok(next.fencingToken > held.fencingToken);
    assert.equal(await next.release(), true);
    assert.deepEqual(failures, []);
  });

  it("shared locks and semaphores are held together, and several locks at once", async (t) => {
    const { setting, manager } = await setUp(t);
    const [one, other] = [manager(), manager()];
    for (const options of [{ mode: "shared" }, { permits: 2 }] as const) {
      const held = [await one.acquire(setting.key, options), await other.acquire(setting.key, options)];
      for (const lock of held) assert.equal(await lock.release(), true);
    }
    const all = await one.acquireAll([`${setting.key}a`, `${setting.key}b`]);
    assert.equal(await other.tryAcquireAll([`${setting.key}b`, `${setting.key}c`]), null);
    await all.release();
  });

  it("lines are inspected, listed and watched, and a lock is broken", async (t) => {
    const { setting, manager } = await setUp(t);
    const [one, other] = [manager(), manager()];
    const seen: number[] = [];
    const controller = new AbortController();
    const watching = (async () => {
      for await (const { entries } of other.watch(setting.key, controller)) seen.push(entries.length);
    })();
    const held = await one.acquire(setting.key);
    assert.equal((await other.inspect(setting.key)).entries.length, 1);
    assert.deepEqual(
      (await other.list(setting.key)).map(({ name }) => name),
      [setting.key],
    );
    assert.ok((await other.list(prefix)).length > 0);
    assert.equal(await other.breakLock(setting.key, held), true);
    await eventually(
      "the holder is told",
      () => held.held,
      (isHeld) => !isHeld,
    );
    await held.release();
    await eventually(
      "the watch has seen it come and go",
      () => seen.at(-1),
      (length) => length === 0,
    );
    controller.abort(new Error("enough"));
    await assert.rejects(watching, /enough/);
  });

  it("an election is won, proclaimed and observed", async (t) => {
    const { setting, manager } = await setUp(t);
    const leadership = await manager().elect(setting.key, { value: "first" });
    await leadership.proclaim("second");
    assert.equal((await manager().leader(setting.key))?.value, "second");
    await leadership.resign();
  });

  it("what an abandoned request wrote all the same is found by its lease, and removed", async (t) => {
    const { setting, cluster, manager } = await setUp(t);
    const proxy = await setting.proxy();
    const tls = tlsOf(cluster);
    const user = await users.get("locker");
    assert.ok(user !== undefined);
    const cutOff = setting.manager({ endpoints: proxy.endpoint, tls, user });
    const other = await cutOff.acquire(`${setting.key}other`);
    proxy.dropAnswers();
    await assert.rejects(cutOff.acquire(setting.key, { connectTimeout: 1_000 }), { code: "ETCD_UNAVAILABLE" });
    assert.ok((await listKeys(cluster, `${setting.key}/`)).length > 0);
    await proxy.resume();
    await setting.lineLength(0);
    assert.equal(other.held, true);
    const next = await manager().acquire(setting.key);
    await next.release();
  });
});

describe("a permission that is missing is named", { concurrency: true }, () => {
  it("with the user and the ranges that are needed, when a lock outside is asked for", async (t) => {
    const { manager } = await setUp(t);
    const ranges = ['readwrite from "/other/" to "/other0"', 'readwrite from "/other!" to "/other\\""'];
    await assert.rejects(manager().acquire("/other"), isDenied('user "locker" needs', ...ranges));
    await assert.rejects(manager().tryAcquire("/other"), isDenied(...ranges));
    await assert.rejects(manager().acquireAll(["/test/inside", "/other"]), isDenied(...ranges));
  });

  it("and so for the name of the prefix itself, whose records lie outside", async (t) => {
    const { manager } = await setUp(t);
    await assert.rejects(manager().acquire("/test"), isDenied('readwrite from "/test!" to "/test\\""'));
  });

  it("as reading, when a line outside is looked at", async (t) => {
    const { manager } = await setUp(t);
    await assert.rejects(manager().inspect("/other"), isDenied('read from "/other/" to "/other0"'));
    await assert.rejects(manager().list("/"), isDenied('needs read from "/" to "0"'));
    const controller = new AbortController();
    await assert.rejects(manager().watch("/other", controller).next(), isDenied('read from "/other/" to "/other0"'));
  });

  it("when a key outside is written under a lock, which stays held", async (t) => {
    const { setting, manager } = await setUp(t);
    const held = await manager().acquire(setting.key);
    await assert.rejects(held.put("/elsewhere", "x"), isDenied('write on "/elsewhere"'));
    assert.equal(held.held, true);
    await held.release();
  });

  it("to a user who may only read: seeing works, taking does not", async (t) => {
    const { setting, cluster, manager } = await setUp(t);
    const reader = users.get("reader") ?? addUser(cluster, "reader", prefix, "read");
    users.set("reader", reader);
    const held = await manager().acquire(setting.key);
    const looking = setting.manager({ tls: tlsOf(cluster), user: await reader });
    assert.equal((await looking.inspect(setting.key)).entries.length, 1);
    await assert.rejects(looking.acquire(setting.key), isDenied('user "reader" needs readwrite'));
    await held.release();
  });
});

describe("a role for exactly one lock", () => {
  it("has two ranges, and lets nobody take another", async (t) => {
    const { setting, cluster } = await setUp(t);
    const words = ["role", "grant-permission", "backup", "readwrite"];
    await cluster.etcdctl("role", "add", "backup");
    await cluster.etcdctl(...words, "/backup/", "/backup0");
    await cluster.etcdctl(...words, "/backup!", '/backup"');
    await cluster.etcdctl("user", "add", "one:pass");
    await cluster.etcdctl("user", "grant-role", "one", "backup");
    const manager = setting.manager({ tls: tlsOf(cluster), user: { name: "one", password: "pass" } });
    const held = await manager.acquire("/backup");
    await held.renew();
    assert.equal(held.held, true);
    await held.release();
    await assert.rejects(manager.acquire("/backup2"), isDenied("/backup2/"));
  });
});
