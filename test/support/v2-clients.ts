import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LockEtcd } from "#dist/index.js";
import { startProgram } from "./programs.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const sources = join(root, "test/support/v2-clients");
const installLimitMs = 240_000;

/** The lock of etcd-lock 1.1.0. */
export interface Lock1 {
  lock(): Promise<unknown>;
  unlock(): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** The versions of node-etcd that there are tests with. */
export const nodeEtcdVersions = [4, 5, 6, 7] as const;

/** The real etcd-lock 1.1.0, and the clients that its users give it. */
export class V2Clients {
  /** Where etcd-lock 1.1.0 and the clients are installed. */
  readonly folder: string;
  readonly #load: NodeJS.Require;

  constructor(folder: string) {
    this.folder = folder;
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

  /** The command of etcd-lock 1.1.0, for Node.js to run. */
  get etcdlocker1(): string {
    return join(this.folder, "node_modules/etcd-lock/cmd/etcdlocker.js");
  }
}

/** Installs the packages, unless that was done before: they are nobody's dependencies but these tests'. */
export async function provideV2Clients(): Promise<V2Clients> {
  const hash = createHash("sha256")
    .update(readFileSync(join(sources, "package-lock.json")))
    .digest("hex");
  const cache = join(root, ".cache");
  const folder = join(cache, `v2-clients-${hash.slice(0, 12)}`);
  if (!existsSync(folder)) await install(cache, folder);
  return new V2Clients(folder);
}

/** Into a folder of our own first: several test files may do so at once. */
async function install(cache: string, folder: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const ours = mkdtempSync(join(cache, "installing-"));
  try {
    cpSync(sources, ours, { recursive: true });
    const words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const npm = startProgram("npm", words, { folder: ours });
    const { code } = await npm.end(installLimitMs);
    if (code !== 0) throw new Error(`etcd-lock 1.1.0 and node-etcd could not be installed: ${npm.stderr}`);
    renameSync(ours, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(ours, { recursive: true, force: true });
  }
}
