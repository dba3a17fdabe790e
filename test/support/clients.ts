import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Etcd3Client, LockEtcd } from "#dist/index.js";
import { fingerprint, keepFolder } from "../../provision/kept-folder.ts";
import { rootFolder } from "../../provision/root-folder.ts";
import { runProgram } from "../../provision/run-program.ts";

const sources = join(rootFolder, "test/support/clients");

/** The lock of etcd-lock 1.1.0. */
export interface Lock1 {
  lock(): Promise<unknown>;
  unlock(): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** A client of `etcd3`, as far as the tests use it. */
export interface Etcd3 extends Etcd3Client {
  put(key: string): { value(value: string): Promise<unknown> };
  get(key: string): { string(): Promise<string | null> };
  delete(): { key(key: string): Promise<unknown> };
  namespace(prefix: string): Etcd3;
  /** Its own lock, which is another one than ours. */
  lock(name: string): { ttl(seconds: number): Etcd3Lock };
  close(): void;
}

export interface Etcd3Lock {
  acquire(): Promise<unknown>;
  release(): Promise<unknown>;
}

/** The versions of node-etcd that there are tests with. */
export const nodeEtcdVersions = [4, 5, 6, 7] as const;

/** The real etcd-lock 1.1.0, and the clients that people have. */
export class Clients {
  readonly #folder: string;
  readonly #load: NodeJS.Require;

  constructor(folder: string) {
    this.#folder = folder;
    this.#load = createRequire(join(folder, "package.json"));
  }

  /** A lock as a program written for 1.x makes it. */
  lock1(endpoint: string, key: string, id: string, ttl: number): Lock1 {
    return Reflect.construct(this.#load("etcd-lock"), [this.nodeEtcd(4, endpoint), key, id, ttl]) as Lock1;
  }

  /** A client of `node-etcd`. */
  nodeEtcd(version: (typeof nodeEtcdVersions)[number], endpoint: string, options: object = {}): LockEtcd {
    const Client = this.#load(`node-etcd-${version}`);
    const words = version === 4 ? [[endpoint.replace(/^https?:\/\//, "")]] : [endpoint, options];
    return Reflect.construct(Client, words) as LockEtcd;
  }

  /** A client of `etcd3`, which has a copy of grpc-js of its own. */
  etcd3(options: object): Etcd3 {
    return Reflect.construct(this.#load("etcd3").Etcd3, [options]) as Etcd3;
  }

  /** The command of etcd-lock 1.1.0, for Node.js to run. */
  get etcdlocker1(): string {
    return join(this.#folder, "node_modules/etcd-lock/cmd/etcdlocker.js");
  }
}

/** Installs the packages, unless that was done before: they are nobody's dependencies but these tests'. */
export async function provideClients(): Promise<Clients> {
  const folder = await keepFolder(`clients-${await fingerprint(sources)}`, async (made) => {
    cpSync(sources, made, { recursive: true });
    const words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await runProgram("npm", words, { folder: made });
  });
  return new Clients(folder);
}
