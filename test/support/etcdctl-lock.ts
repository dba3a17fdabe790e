import { type EtcdCluster, findEtcd } from "#dist/testing/index.js";
import { type Program, startProgram } from "./programs.ts";

/** How to start a foreign contender. */
export interface EtcdctlLockOptions {
  /** Seconds; 10 by default, as etcdctl's own. */
  readonly ttl?: number;
  /** Endpoints to use instead of the cluster's, for example those of proxies. */
  readonly endpoints?: readonly string[];
}

/** Starts `etcdctl lock <name>`, which waits in line, and then holds until {@link EtcdctlLock.release}. */
export function startEtcdctlLock(cluster: EtcdCluster, name: string, options: EtcdctlLockOptions = {}): EtcdctlLock {
  const { etcdctl } = findEtcd();
  if (etcdctl === undefined) throw new Error("etcdctl was not found");
  const endpoints = options.endpoints ?? cluster.endpoints;
  const words = [`--endpoints=${endpoints}`, "lock", `--ttl=${options.ttl ?? 10}`, "--", name];
  return new EtcdctlLock(startProgram(etcdctl, words));
}

/** Somebody who is not of our family, in the same line. */
export class EtcdctlLock {
  /** The etcdctl process. */
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  /** Resolves, when the lock is held, to the key of its entry and to when we learned of it (`performance.now()`). */
  async held(limitMs?: number): Promise<{ key: string; at: number }> {
    // The only line on standard output is the key.
    const { text, at } = await this.program.line(/\/[0-9a-f]+$/, limitMs);
    return { key: text, at };
  }

  /** Gives the lock back, or leaves the line, and resolves when the process has ended. Its lease stays until it expires. */
  async release(): Promise<void> {
    this.program.signal("SIGINT");
    await this.program.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program.kill();
  }
}
