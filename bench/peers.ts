import { join } from "node:path";
import { type GoProgram, provideGoProgram } from "../provision/go-program.ts";
import { type NpmPackages, provideNpmPackages } from "../provision/npm-packages.ts";
import { type Provided, thingOf } from "../provision/provided.ts";
import { rootFolder } from "../provision/root-folder.ts";
import { provideSystemProgram } from "../provision/system-program.ts";
import type { CommandLine } from "./contestant.ts";
import type { Job } from "./protocol.ts";
import { hasV2 } from "./servers/bench-etcd.ts";

/** Whom people read of, and what they promise. */
export const peerLabels: Readonly<Record<string, string>> = {
  "etcd-lock": "etcd-lock 2",
  "etcd-lock-unbatched": "etcd-lock 2, without batching",
  "go-mutex": "Go concurrency.Mutex",
  "go-put-delete": "floor: put + delete, Go",
  "node-put-delete": "floor: put + delete, Node.js",
  "node-put": "floor: put, Node.js",
  etcd3: "npm etcd3",
  "etcd-lock-1": "etcd-lock 1.1.0 (v2 API)",
  redlock: "redlock (Redis, in memory)",
  "redis-semaphore": "redis-semaphore (Redis)",
  etcdctl: "etcdctl lock",
  flock: "floor: flock(1), one machine",
  node: "floor: node -e 0",
};

/** The npm packages that a peer consists of. */
const packagesOf: Readonly<Record<string, readonly string[]>> = {
  etcd3: ["etcd3"],
  "etcd-lock-1": ["etcd-lock", "node-etcd"],
  redlock: ["redlock", "ioredis"],
  "redis-semaphore": ["redis-semaphore", "ioredis"],
};

const goSources = join(rootFolder, "bench/peers/go");
const worker = join(rootFolder, "build/bench/worker/worker.js");

/** The peers as they could be had on this machine. */
export class Peers {
  readonly packages: NpmPackages;
  readonly redis: Provided<string>;
  readonly #go: Provided<GoProgram>;
  readonly #hasV2: boolean;
  readonly #profiles: string | undefined;

  private constructor(
    packages: NpmPackages,
    redis: Provided<string>,
    go: Provided<GoProgram>,
    isV2There: boolean,
    profiles: string | undefined,
  ) {
    this.packages = packages;
    this.redis = redis;
    this.#go = go;
    this.#hasV2 = isV2There;
    this.#profiles = profiles;
  }

  /** Installs and builds what is not there yet. `profiles` is where our own programs leave CPU profiles, if anywhere. */
  static async provide(profiles: string | undefined): Promise<Peers> {
    const packages = await provideNpmPackages();
    const redis = await provideSystemProgram("redis-server", "redis-server");
    return new Peers(packages, redis, await provideGoProgram(goSources), await hasV2(), profiles);
  }

  /** Why a peer could not be had; `undefined` when it is there. */
  whyMissing(peer: string): string | undefined {
    const parts: Provided<unknown>[] = this.#partsOf(peer);
    return parts.flatMap((part) => ("missing" in part ? [part.missing] : []))[0];
  }

  /** How one process of a peer that is there is started. */
  commandLine(job: Job): CommandLine {
    const words = JSON.stringify(job);
    const go = thingOf(this.#go);
    if (job.peer.startsWith("go-")) return [go?.path ?? "", words];
    const isOurs = job.peer.startsWith("etcd-lock") && job.peer !== "etcd-lock-1";
    const profiling =
      isOurs && this.#profiles !== undefined
        ? ["--cpu-prof", `--cpu-prof-dir=${join(this.#profiles, job.name.replaceAll("/", "-").slice(1))}`]
        : [];
    return [process.execPath, ...profiling, worker, words];
  }

  /** The versions of what could be had. */
  versions(): Readonly<Record<string, string>> {
    const npm = [...this.packages.versions].flatMap(([name, version]) =>
      "thing" in version ? [[`npm ${name}`, version.thing]] : [],
    );
    const go = thingOf(this.#go);
    return { ...Object.fromEntries(npm), ...(go !== undefined && { "Go etcd client": go.version }) };
  }

  #partsOf(peer: string): Provided<unknown>[] {
    if (peer.startsWith("go-")) return [this.#go];
    const packages = (packagesOf[peer] ?? []).map(
      (name) => this.packages.versions.get(name) ?? { missing: `${name} is not among the packages` },
    );
    const isOnRedis = (packagesOf[peer] ?? []).includes("ioredis");
    if (isOnRedis) return [...packages, this.redis];
    if (peer !== "etcd-lock-1" || this.#hasV2) return packages;
    return [...packages, { missing: "this version of etcd has no v2 API any more" }];
  }
}
