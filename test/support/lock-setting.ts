import { once } from "node:events";
import { after, before, type TestContext } from "node:test";
import {
  type EtcdSource,
  type HeldLock,
  Lock,
  type LockLostError,
  LockManager,
  type LockManagerOptions,
} from "#dist/index.js";
import { type Platform, realPlatform } from "#dist/platform.js";
import { type EtcdCluster, type EtcdMember, type StartEtcdOptions, startEtcd } from "#dist/testing/index.js";
import { eventually } from "./eventually.ts";
import { assertNothingLeft } from "./leftovers.ts";
import { readLine } from "./stored-line.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** How to make a lock for a test. */
export interface TestLockOptions {
  readonly etcd?: EtcdSource;
  readonly key?: string;
  readonly id?: string;
  /** Seconds; 10 by default. */
  readonly ttl?: number;
}

/**
 * One etcd for all tests of a file, and the way to what one test needs of it. After the last test, nothing may be left
 * in etcd: no key, and no lease. Crashes leave leases, which end by themselves.
 */
export function etcdOfFile(
  options: StartEtcdOptions = {},
  { hasCrashes = false }: { readonly hasCrashes?: boolean } = {},
): (t: TestContext) => LockSetting {
  let cluster: EtcdCluster | undefined;
  const proxies: TcpProxy[] = [];
  before(async () => {
    cluster = await startEtcd(options);
  });
  after(async () => {
    if (cluster === undefined) return;
    try {
      if (!hasCrashes) await assertNothingLeft(cluster);
    } finally {
      for (const proxy of proxies) await proxy.close();
      await cluster.stop();
    }
  });
  return (t) => {
    if (cluster === undefined) throw new Error("etcd has not been started");
    return new LockSetting(t, cluster, proxies);
  };
}

/** An etcd of its own for one test, which may do with it what it likes. */
export async function etcdOfTest(t: TestContext, options: StartEtcdOptions = {}): Promise<LockSetting> {
  const cluster = await startEtcd(options);
  const proxies: TcpProxy[] = [];
  const setting = new LockSetting(t, cluster, proxies);
  setting.onEnd(async () => {
    for (const proxy of proxies) await proxy.close();
    await cluster.stop();
  });
  return setting;
}

let count = 0;

/** What one test has to do with: a cluster, a key of its own, and locks, managers and proxies that end with the test. */
export class LockSetting {
  readonly cluster: EtcdCluster;
  readonly key: string;
  /** Those of all tests on this etcd: they stay until it ends, so that what was left behind them can be tidied up. */
  readonly #allProxies: TcpProxy[];
  readonly #proxies: TcpProxy[] = [];
  readonly #endings: (() => Promise<unknown>)[] = [];

  constructor(t: TestContext, cluster: EtcdCluster, proxies: TcpProxy[]) {
    this.cluster = cluster;
    this.#allProxies = proxies;
    count += 1;
    this.key = `/test/lock-${process.pid}-${count}.`;
    t.after(() => this.#end());
  }

  /** The first member, or the only one. */
  get member(): EtcdMember {
    const [member] = this.cluster.members;
    if (member === undefined) throw new Error("A cluster has a member");
    return member;
  }

  /** Has `ending` called when the test has ended; the last one first. */
  onEnd(ending: () => Promise<unknown>): void {
    this.#endings.push(ending);
  }

  /** A lock on the test's key, if no other is given. */
  lock({ etcd = this.cluster.endpoints, key = this.key, id = "tester", ttl = 10 }: TestLockOptions = {}): Lock {
    const lock = new Lock(etcd, key, id, ttl);
    this.onEnd(() => lock[Symbol.asyncDispose]());
    return lock;
  }

  /** A manager with a connection and sessions of its own, as another process has. */
  manager(options: Partial<LockManagerOptions> = {}, platform: Platform = realPlatform): LockManager {
    const manager = new LockManager({ endpoints: this.cluster.endpoints, ttl: 10, ...options }, platform);
    this.onEnd(() => manager.close());
    return manager;
  }

  /** Somebody else, with the id `somebody else`, holds the test's key. */
  async heldElsewhere(): Promise<HeldLock> {
    return await this.manager({ id: "somebody else" }).acquire(this.key);
  }

  /** A network of its own to the first member, which can fail, and is whole again when the test ends. */
  async proxy(): Promise<TcpProxy> {
    const proxy = await startProxy(this.member.endpoint);
    this.#proxies.push(proxy);
    this.#allProxies.push(proxy);
    return proxy;
  }

  /** Resolves when so many entries stand in the line of `key`. */
  async lineLength(entries: number, key: string = this.key): Promise<void> {
    await eventually(
      `the line of ${key} has ${entries} entries`,
      () => readLine(this.cluster, key),
      (line) => line.entries.length === entries,
      20_000,
    );
  }

  async #end(): Promise<void> {
    for (const proxy of this.#proxies) await proxy.resume();
    // What a test has broken, or left to fail, need not end well.
    for (const ending of this.#endings.reverse()) await ending().catch(() => undefined);
  }
}

/** All `error` events of a lock from now on. */
export function collectErrors(lock: Lock): LockLostError[] {
  const errors: LockLostError[] = [];
  lock.on("error", (error) => errors.push(error));
  return errors;
}

/** What a lock tells of a loss, and when we were told: `performance.now()`. */
export interface ToldLoss {
  readonly error: LockLostError;
  readonly at: number;
}

/** The next `error` event of a lock. Rejects when none comes within `limitMs`. */
export function nextLoss(lock: Lock, limitMs = 60_000): Promise<ToldLoss> {
  // `once()` of node:events rejects at an error event, whatever it waits for.
  const told = new Promise<ToldLoss>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`No loss was told within ${limitMs} ms`)), limitMs);
    limit.unref();
    lock.once("error", (error) => {
      clearTimeout(limit);
      resolve({ error, at: performance.now() });
    });
  });
  // A test that has failed before does not wait for it any more.
  told.catch(() => undefined);
  return told;
}

/** Resolves when `manager` has entered a line in which somebody is ahead. */
export async function isWaiting(manager: LockManager): Promise<void> {
  await once(manager, "waiting");
}
