import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, mock, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "#dist/clock.js";
import { Connection } from "#dist/etcd/connection.js";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import { range, type Transaction } from "#dist/etcd/transaction.js";
import type { EtcdRefusedError, EtcdUnavailableError, EtcdUserOptions, LockManager } from "#dist/index.js";
import { eventually, untilSuccess, within } from "../support/eventually.ts";
import { etcdOfFile, etcdOfTest, isWaiting, type LockSetting } from "../support/lock-setting.ts";
import { addUser, jwtFlags, rootOf } from "../support/secured.ts";

const inCluster = etcdOfFile({ auth: true });

/** How long a token is good for, in seconds. */
const tokenTtl = 3;

/** Every renewal of a held lock that has failed so far. */
function collectFailures(manager: LockManager): Error[] {
  const failures: Error[] = [];
  manager.on("renewalFailed", ({ error }) => failures.push(error));
  return failures;
}

/** Counts how often `user` logs in, in this process, from the first call on. */
function countLogins(t: TestContext, { name }: EtcdUserOptions): () => number {
  const spy = t.mock.method(Connection.prototype, "unary");
  return () =>
    spy.mock.calls.filter(({ arguments: [method, request] }) => {
      return method.path.endsWith("/Authenticate") && (request as { name: string }).name === name;
    }).length;
}

async function newFolder(setting: LockSetting): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
  setting.onEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function isRefusedLogin(name: string): (error: EtcdRefusedError) => boolean {
  return (error) => {
    assert.equal(error.code, "ETCD_REFUSED");
    assert.equal(error.status, "UNAUTHENTICATED");
    assert.match(error.message, new RegExp(`refused: the login of user "${name}": .*authentication failed`));
    assert.ok(!error.message.includes("secret"), error.message);
    return true;
  };
}

/** Makes another password the only one of a user. */
async function changePassword({ cluster }: LockSetting, name: string, password: string): Promise<void> {
  await cluster.etcdctl("user", "delete", name);
  await cluster.etcdctl("user", "add", `${name}:${password}`);
  await cluster.etcdctl("user", "grant-role", name, name);
}

describe("tokens that expire", { concurrency: true }, () => {
  for (const kind of ["simple", "JWT"]) {
    it(`are renewed for held locks, waits, watches and calls: ${kind}`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const flags = kind === "JWT" ? await jwtFlags(folder, tokenTtl) : [`--auth-token-ttl=${tokenTtl}`];
      const setting = await etcdOfTest(t, { auth: true, extraArguments: flags });
      const user = rootOf(setting.cluster);
      const [one, other] = [setting.manager({ user }), setting.manager({ user })];
      const failures = [collectFailures(one), collectFailures(other)];
      const held = await one.acquire(setting.key);
      const waiting = other.acquire(setting.key);
      await isWaiting(other);
      await delay(tokenTtl * 2_000 + 1_000);
      // On the stream of the waiter's watch, which was opened with a token that is too old by now.
      const watched = `${setting.key}watched`;
      const lengths: number[] = [];
      const controller = new AbortController();
      const watching = (async () => {
        for await (const { entries } of other.watch(watched, controller)) lengths.push(entries.length);
      })();
      await eventually(
        "the line is seen empty",
        () => lengths.length,
        (length) => length > 0,
      );
      await delay(1_000);
      const brief = await one.acquire(watched);
      // Without a watch, a line is read every 10 s.
      await within(6_000, "the change, by the watch", untilLast(lengths, 1));
      await brief.release();
      assert.equal(held.held, true);
      await held.release();
      const next = await waiting;
      assert.ok(next.fencingToken > held.fencingToken);
      await next.release();
      assert.deepEqual(failures, [[], []]);
      controller.abort(new Error("enough"));
      await assert.rejects(watching, /enough/);
    });
  }
});

async function untilLast(numbers: readonly number[], wanted: number): Promise<void> {
  while (numbers.at(-1) !== wanted) await delay(20);
}

describe("a login", { concurrency: true }, () => {
  it("is shared by all callers at the same time", async (t) => {
    const setting = inCluster(t);
    const user = await addUser(setting.cluster, "shared", "/test/");
    const count = countLogins(t, user);
    const manager = setting.manager({ user });
    const locks = await Promise.all(Array.from({ length: 30 }, (_, n) => manager.acquire(`${setting.key}${n}`)));
    await Promise.all(locks.map((lock) => lock.release()));
    assert.equal(count(), 1);
  });

  it("with a wrong password rejects at once, and is not tried again and again", async (t) => {
    const setting = inCluster(t);
    const user = { ...(await addUser(setting.cluster, "mistaken", "/test/")), password: "another secret" };
    const count = countLogins(t, user);
    const manager = setting.manager({ user });
    const startedAt = performance.now();
    for (let call = 0; call < 40; call += 1) {
      await assert.rejects(manager.acquire(setting.key), isRefusedLogin("mistaken"));
      await delay(10);
    }
    // 0.25 s after the first, then twice as long each time.
    const most = 2 + Math.log2(1 + (performance.now() - startedAt) / 250);
    assert.ok(count() <= most, `${count()} logins, and not ${most} at most`);
    await assert.rejects(manager.inspect(setting.key), isRefusedLogin("mistaken"));
  });

  it("reads the password file anew: after the password was changed, a held lock goes on being held", async (t) => {
    const setting = inCluster(t);
    const passwordFile = join(await newFolder(setting), "password");
    const { name, password } = await addUser(setting.cluster, "changing", "/test/");
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    const manager = setting.manager({ user: { name, passwordFile } });
    const held = await manager.acquire(setting.key);
    await changePassword(setting, name, "new secret");
    await writeFile(passwordFile, "new secret\n");
    await untilSuccess("it is renewed", () => held.renew());
    await held.verify();
    await held.release();
  });

  it("with a password that is no longer right loses a held lock at its deadline, not before, and says why", async (t) => {
    const setting = await etcdOfTest(t, { auth: true });
    const user = await addUser(setting.cluster, "outdated", "/test/");
    const manager = setting.manager({ user, ttl: 3 });
    const failures = collectFailures(manager);
    const held = await manager.acquire(setting.key);
    await changePassword(setting, user.name, "new secret");
    await assert.rejects(held.renew(), { code: "ETCD_UNAVAILABLE" });
    assert.equal(held.held, true);
    await eventually(
      "the lock is lost",
      () => held.held,
      (isHeld) => !isHeld,
    );
    assert.equal((held.signal.reason as { reason: string }).reason, "deadline");
    assert.ok(failures.length > 0);
    assert.throws(() => {
      throw failures[0];
    }, isRefusedLogin("outdated"));
  });
});

/** A transaction that etcd refuses whoever asks, with the code with which it refuses old tokens, too. */
function wrong(key: string): Transaction {
  const write = { kind: "put", key, value: "x" } as const;
  return { compare: [], success: [write, write], failure: [] };
}

describe("a request that is wrong itself", { concurrency: true }, () => {
  it("is refused, and nobody else: locks are taken, waited for, renewed and given back, with no more logins than such requests", async (t) => {
    const setting = inCluster(t);
    const user = await addUser(setting.cluster, "clumsy", "/test/");
    const count = countLogins(t, user);
    const manager = setting.manager({ user });
    const failures = collectFailures(manager);
    const held = await manager.acquire(`${setting.key}held`);
    const ahead = await manager.acquire(setting.key);
    const waiting = manager.acquire(setting.key);
    await isWaiting(manager);
    for (let request = 1; request <= 5; request += 1) {
      await assert.rejects(held.transact(wrong(`${setting.key}-data`)), { status: "INVALID_ARGUMENT" });
      assert.equal(await (await manager.acquire(`${setting.key}free`)).release(), true);
      await held.renew();
      assert.ok(count() <= request + 1, `${count()} logins`);
    }
    assert.equal(await ahead.release(), true);
    assert.equal(await (await waiting).release(), true);
    assert.equal(await held.release(), true);
    assert.deepEqual(failures, []);
  });

  it("is no reason to log in again when it comes first", async (t) => {
    const setting = inCluster(t);
    const user = await addUser(setting.cluster, "hasty", "/test/");
    const count = countLogins(t, user);
    const access = parseEtcdSource({ endpoints: setting.cluster.endpoints, user });
    const etcd = new GrpcEtcdClient(access, systemClock);
    setting.onEnd(async () => etcd.close());
    const limits = { timeoutMs: 5_000 };
    for (let request = 0; request < 5; request += 1) {
      await assert.rejects(etcd.transact(wrong(setting.key), limits), { status: "INVALID_ARGUMENT" });
    }
    await etcd.transact({ compare: [], success: [range(setting.key)], failure: [] }, limits);
    assert.equal(count(), 1);
  });

  it("is not said to need a user where it names none", async (t) => {
    const setting = await etcdOfTest(t);
    const held = await setting.manager().acquire(setting.key);
    await assert.rejects(held.transact(wrong(`${setting.key}-data`)), (error: EtcdRefusedError) => {
      assert.equal(error.status, "INVALID_ARGUMENT");
      assert.doesNotMatch(error.message, /user/);
      return true;
    });
  });
});

describe("a cluster", { concurrency: true }, () => {
  it("that is restarted has forgotten its tokens, and held locks stay held", async (t) => {
    const setting = await etcdOfTest(t, { auth: true });
    const manager = setting.manager({ user: rootOf(setting.cluster), ttl: 30 });
    const held = await manager.acquire(setting.key);
    await setting.member.kill();
    await setting.member.start();
    await untilSuccess("it is renewed", () => held.renew());
    await held.verify();
    await held.release();
  });

  it("may begin to ask for users, and end it, while locks are held", async (t) => {
    const setting = await etcdOfTest(t);
    const user = { name: "root", password: "secret" };
    const manager = setting.manager({ user, ttl: 30 });
    const failures = collectFailures(manager);
    const held = await manager.acquire(setting.key);
    const { cluster } = setting;
    await cluster.etcdctl("user", "add", "root:secret");
    await cluster.etcdctl("role", "add", "root");
    await cluster.etcdctl("user", "grant-role", "root", "root");
    await cluster.etcdctl("auth", "enable");
    await untilSuccess("it is renewed", () => held.renew());
    await held.verify();
    await (await manager.acquire(`${setting.key}other`)).release();
    await cluster.etcdctl("--user=root:secret", "auth", "disable");
    await untilSuccess("it is renewed", () => held.renew());
    await held.verify();
    await (await manager.acquire(`${setting.key}other`)).release();
    await held.release();
    assert.deepEqual(failures, []);
  });

  it("that has users refuses strangers, is said to have them, and keeps nothing of theirs", async (t) => {
    const setting = inCluster(t);
    await assert.rejects(setting.manager().acquire(setting.key), (error: EtcdRefusedError) => {
      assert.equal(error.code, "ETCD_REFUSED");
      assert.match(error.message, /this cluster has users, it seems: see the option user/);
      return true;
    });
  });
});

interface Outdating {
  /** For so many tokens yet. */
  left: number;
  /** How often rights have been changed. */
  count: number;
  change(): Promise<unknown>;
}

/** By the name of the user whose tokens are concerned. */
const outdatings = new Map<string, Outdating>();

/** Has rights be changed whenever a user is given a token: for the next `left` ones. */
function outdateTokens({ cluster }: LockSetting, { name }: EtcdUserOptions, left: number): Outdating {
  const outdating: Outdating = {
    left,
    count: 0,
    change: () => {
      outdating.count += 1;
      return cluster.etcdctl("role", "add", `${name}-${outdating.count}`);
    },
  };
  outdatings.set(name, outdating);
  return outdating;
}

describe("while rights are changed, a token that is outdated whenever it is used", { concurrency: true }, () => {
  before(() => {
    const { unary } = Connection.prototype;
    mock.method(Connection.prototype, "unary", async function (this: Connection, ...words: Parameters<typeof unary>) {
      const response: unknown = await Reflect.apply(unary, this, words);
      const [{ path }, request] = words;
      const outdating = outdatings.get((request as { name?: string }).name ?? "");
      if (outdating !== undefined && outdating.left > 0 && path.endsWith("/Authenticate")) {
        outdating.left -= 1;
        await outdating.change();
      }
      return response;
    });
  });
  after(() => mock.restoreAll());

  it("refuses nobody who takes a lock or waits for one, and nobody loses one", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const setting = await etcdOfTest(t, { auth: true, extraArguments: await jwtFlags(folder, 300) });
    const user = await addUser(setting.cluster, "unlucky", "/test/");
    const manager = setting.manager({ user, ttl: 60, connectTimeout: 60_000 });
    const held = await manager.acquire(`${setting.key}held`);
    const ahead = await setting.manager({ user: rootOf(setting.cluster), ttl: 60 }).acquire(setting.key);
    const waiting = manager.acquire(setting.key);
    await isWaiting(manager);
    const outdating = outdateTokens(setting, user, 3);
    await outdating.change();
    const taken = await within(10_000, "a lock that is free", manager.acquire(`${setting.key}free`));
    outdating.left = 2;
    await outdating.change();
    await ahead.release();
    const turn = await within(10_000, "the turn", waiting);
    await held.verify();
    assert.deepEqual([outdating.left, outdating.count], [0, 7]);
    for (const lock of [held, taken, turn]) assert.equal(await lock.release(), true);
  });

  it("is what a call ends with that has a time limit, and the next one succeeds", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "etcd-lock-test-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const setting = await etcdOfTest(t, { auth: true, extraArguments: await jwtFlags(folder, 300) });
    const user = await addUser(setting.cluster, "hopeless", "/test/");
    const access = parseEtcdSource({ endpoints: setting.cluster.endpoints, user });
    const etcd = new GrpcEtcdClient(access, systemClock);
    setting.onEnd(async () => etcd.close());
    const outdating = outdateTokens(setting, user, Number.POSITIVE_INFINITY);
    const read = { compare: [], success: [range(setting.key)], failure: [] };
    const limits = { timeoutMs: 5_000, tryTimeoutMs: 60_000 };
    await assert.rejects(etcd.transact(read, limits), (error: EtcdUnavailableError) => {
      assert.equal(error.code, "ETCD_UNAVAILABLE");
      assert.match(error.message, /a new token was not taken: are users being changed\? \(.*auth.*\)/);
      return true;
    });
    outdating.left = 0;
    await untilSuccess("it is answered", () => etcd.transact(read, limits));
  });
});
