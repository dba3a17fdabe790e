import { spawnSync } from "node:child_process";
import { after, before, type TestContext } from "node:test";
import { Lock, type LockEtcd } from "#dist/index.js";
import { type EtcdCluster, findEtcd, type StartEtcdOptions, startEtcd } from "#dist/testing/index.js";
import { type Clients, provideClients } from "./clients.ts";
import { eventually } from "./eventually.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Why there can be no etcd with the v2 API here; `false` when there can. It went with 3.6. */
export const v2IsMissing: string | false = findV2();

/** A key of the v2 API as curl shows it. */
export interface StoredKey {
  readonly key: string;
  readonly value: string;
  readonly ttl?: number;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
}

/** How to make a lock for a test. */
export interface V2LockOptions {
  readonly etcd?: LockEtcd;
  readonly key?: string;
  readonly id?: string;
  /** Seconds; 5 by default. */
  readonly ttl?: number;
}

/** One etcd with the v2 API for all tests of a file. After the last test, no key may be left in it. */
export function v2OfFile(options: StartEtcdOptions = {}): (t: TestContext) => V2Setting {
  let cluster: EtcdCluster | undefined;
  let clients: Clients | undefined;
  before(async () => {
    if (v2IsMissing !== false) return;
    clients = await provideClients();
    cluster = await startEtcd({ ...options, extraArguments: ["--enable-v2", ...(options.extraArguments ?? [])] });
  });
  after(async () => {
    if (cluster === undefined) return;
    const { endpoints } = cluster;
    try {
      await eventually(
        "no key is left in etcd",
        () => listStored(endpoints[0] ?? ""),
        (keys) => keys.length === 0,
        10_000,
      );
    } finally {
      await cluster.stop();
    }
  });
  return (t) => {
    if (cluster === undefined || clients === undefined) throw new Error("etcd has not been started");
    return new V2Setting(t, cluster, clients);
  };
}

let count = 0;

/** What one test has to do with: a cluster, a key of its own, and locks and proxies that end with the test. */
export class V2Setting {
  readonly cluster: EtcdCluster;
  readonly clients: Clients;
  readonly key: string;
  readonly #endings: (() => Promise<unknown>)[] = [];

  constructor(t: TestContext, cluster: EtcdCluster, clients: Clients) {
    this.cluster = cluster;
    this.clients = clients;
    count += 1;
    this.key = `/test/v2-${process.pid}-${count}`;
    t.after(async () => {
      // What a test has broken, or left to fail, need not end well.
      for (const ending of this.#endings.reverse()) await ending().catch(() => undefined);
    });
  }

  /** `host:port` of the first member. */
  get endpoint(): string {
    return this.cluster.endpoints[0] ?? "";
  }

  /** Has `ending` called when the test has ended; the last one first. */
  onEnd(ending: () => Promise<unknown>): void {
    this.#endings.push(ending);
  }

  /** A lock on the test's key, and on the v2 API, if nothing else is given. */
  lock({
    etcd = { endpoints: this.endpoint, api: 2 },
    key = this.key,
    id = "tester",
    ttl = 5,
  }: V2LockOptions = {}): Lock {
    const lock = new Lock(etcd, key, id, ttl);
    this.onEnd(() => lock[Symbol.asyncDispose]());
    return lock;
  }

  /** A network of its own to the first member, which can fail, and is whole again when the test ends. */
  async proxy(): Promise<TcpProxy> {
    const proxy = await startProxy(this.endpoint);
    this.onEnd(() => proxy.close());
    this.onEnd(() => proxy.resume());
    return proxy;
  }

  /** The test's key, or another, as it is in etcd. */
  async read(key: string = this.key): Promise<StoredKey | undefined> {
    const { node }: { node?: StoredKey } = await askV2(this.endpoint, "GET", `${key}?quorum=true`);
    return node;
  }

  /** Writes the test's key, as curl does. */
  async write(words: Readonly<Record<string, string>>): Promise<void> {
    await askV2(this.endpoint, "PUT", this.key, words);
  }

  /** Removes the test's key, as curl does. */
  async remove(): Promise<void> {
    await askV2(this.endpoint, "DELETE", this.key);
  }

  /** Resolves when the key is as `isSo` says. */
  async stored(what: string, isSo: (stored: StoredKey | undefined) => boolean, limitMs = 20_000): Promise<void> {
    await eventually(what, () => this.read(), isSo, limitMs);
  }
}

/** All keys of the v2 API. */
async function listStored(endpoint: string): Promise<readonly string[]> {
  interface Node {
    readonly key: string;
    readonly dir?: boolean;
    readonly nodes?: readonly Node[];
  }
  const list = ({ key, dir, nodes = [] }: Node): string[] => (dir ? nodes.flatMap(list) : [key]);
  const { node }: { node: Node } = await askV2(endpoint, "GET", "/?recursive=true&quorum=true");
  return list({ ...node, dir: true });
}

async function askV2<Answer>(
  endpoint: string,
  method: string,
  path: string,
  form?: Readonly<Record<string, string>>,
): Promise<Answer> {
  const body = form === undefined ? null : new URLSearchParams(form);
  const response = await fetch(`http://${endpoint}/v2/keys${path}`, { method, body });
  return (await response.json()) as Answer;
}

function findV2(): string | false {
  const { stdout } = spawnSync(findEtcd().etcd, ["--version"], { encoding: "utf8" });
  const minor = Number(/etcd Version: 3\.(\d+)/.exec(stdout)?.[1]);
  return minor <= 5 ? false : "needs an etcd up to 3.5: later ones do not have the v2 API";
}
