import { createRequire } from "node:module";
import { join } from "node:path";
import type { LockTaker, TakenLock, Wish } from "./lock-taker.ts";
import type { WorkerJob } from "./worker-job.ts";

/** What we use of the npm package etcd3. */
interface Etcd3Package {
  readonly Etcd3: new (options: { hosts: readonly string[] }) => Etcd3;
}

interface Etcd3 {
  lock(name: string): Etcd3Lock;
  close(): void;
}

interface Etcd3Lock {
  ttl(seconds: number): Etcd3Lock;
  acquire(): Promise<Etcd3Lock>;
  release(): Promise<void>;
  readonly lease: { on(event: "lost", listener: (error: Error) => void): void } | null;
}

/** While somebody else holds, it is tried again so often, in milliseconds: it has no line to wait in. */
const retryMs = 50;

/** Takes locks with the npm package etcd3, as its documentation shows it. */
export class Etcd3Taker implements LockTaker {
  readonly #client: Etcd3;
  readonly #ttlSeconds: number;

  /** `packages` is the folder in which it is installed. */
  constructor({ endpoints, ttlSeconds }: WorkerJob, packages: string) {
    const loaded: Etcd3Package = createRequire(join(packages, "index.js"))("etcd3");
    this.#client = new loaded.Etcd3({ hosts: endpoints.map((endpoint) => `http://${endpoint}`) });
    this.#ttlSeconds = ttlSeconds;
  }

  async take({ names: [name = ""], signal }: Wish): Promise<readonly TakenLock[]> {
    for (;;) {
      signal.throwIfAborted();
      const lock = this.#client.lock(name).ttl(this.#ttlSeconds);
      try {
        await lock.acquire();
        return [this.#describe(name, lock)];
      } catch (error) {
        if (!(error instanceof Error && error.name === "EtcdLockFailedError")) throw error;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  /** It has no fencing token: ours grows by the clock, so that the order of tokens is the order in which locks were had. */
  #describe(name: string, lock: Etcd3Lock): TakenLock {
    let isLost = false;
    lock.lease?.on("lost", () => {
      isLost = true;
    });
    return {
      name,
      token: String(process.hrtime.bigint()),
      limit: 1,
      key: undefined,
      createRevision: undefined,
      isInside: () => !isLost,
      onLost: (listener) => lock.lease?.on("lost", () => listener("lease-lost")),
      release: async () => {
        await lock.release();
        return !isLost;
      },
    };
  }
}
