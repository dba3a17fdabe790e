import type * as library from "#dist/index.js";
import type { LockTaker, TakenLock, Wish } from "./lock-taker.ts";
import type { WorkerJob } from "./worker-job.ts";

type Library = typeof library;

/** Takes locks with the library that is being tested. */
export class LibraryTaker implements LockTaker {
  readonly #library: Library;
  readonly #job: WorkerJob;
  readonly #manager: library.LockManager;
  readonly #listeners = new Map<library.HeldLock, ((reason: string) => void)[]>();

  /** `url` is that of its entry point. */
  static async load(job: WorkerJob, url: string): Promise<LibraryTaker> {
    return new LibraryTaker(await import(url), job);
  }

  private constructor(loaded: Library, job: WorkerJob) {
    this.#library = loaded;
    this.#job = job;
    this.#manager = new loaded.LockManager({ ...accessOf(job), ttl: job.ttlSeconds, id: job.who });
    this.#manager.on("lost", ({ lock, error }) => {
      for (const listener of this.#listeners.get(lock) ?? []) listener(error.reason);
    });
    this.#manager.on("released", ({ lock }) => this.#listeners.delete(lock));
  }

  async take(wish: Wish): Promise<readonly TakenLock[] | null> {
    if (wish.isClassic) return [await this.#takeClassic(wish)];
    const locks = await this.#takeWithManager(wish);
    return locks?.map((lock) => this.#describe(lock, wish)) ?? null;
  }

  close(): Promise<void> {
    return this.#manager.close();
  }

  async #takeWithManager(wish: Wish): Promise<readonly library.HeldLock[] | null> {
    const { names, mode, permits, signal, onWaiting } = wish;
    const [name = ""] = names;
    const options = {
      signal,
      ...(mode === "shared" ? { mode } : { permits }),
      onWaiting: (waiting: library.Waiting) => onWaiting(waiting.name, waiting.key),
    };
    if (wish.isImpatient) {
      const lock = await this.#manager.tryAcquire(name, options);
      return lock === null ? null : [lock];
    }
    if (names.length > 1) {
      const locks = await this.#manager.acquireAll(names, options);
      return locks.names.map((each) => locks.get(each));
    }
    return [await this.#manager.acquire(name, options)];
  }

  #describe(lock: library.HeldLock, { mode, permits }: Wish): TakenLock {
    const record = lock.guard().key;
    const mark = record.lastIndexOf("!");
    return {
      name: lock.name,
      token: String(lock.fencingToken),
      limit: mode === "shared" ? null : permits,
      key: `${record.slice(0, mark)}/${record.slice(mark + 1)}`,
      createRevision: String(lock.createRevision),
      isInside: () => lock.held,
      onLost: (listener) => this.#listeners.set(lock, [...(this.#listeners.get(lock) ?? []), listener]),
      release: () => lock.release(),
    };
  }

  async #takeClassic({ names: [name = ""], signal }: Wish): Promise<TakenLock> {
    const lock = new this.#library.Lock(accessOf(this.#job), name, this.#job.who, this.#job.ttlSeconds);
    const listeners: ((reason: string) => void)[] = [];
    lock.on("error", ({ reason }) => {
      for (const listener of listeners) listener(reason);
    });
    await lock.lock({ signal });
    const { fencingToken } = lock;
    if (fencingToken === undefined) {
      // As when this process was frozen in that very moment.
      await lock.unlock().catch(() => {});
      throw new Error("it was lost as soon as it was had");
    }
    return {
      name,
      token: String(fencingToken),
      limit: 1,
      key: undefined,
      createRevision: undefined,
      isInside: () => lock.held,
      onLost: (listener) => listeners.push(listener),
      release: async () => {
        try {
          await lock.unlock();
          return true;
        } catch (error) {
          const { LockLostError, NotHeldError } = this.#library;
          if (error instanceof LockLostError || error instanceof NotHeldError) return false;
          throw error;
        }
      },
    };
  }
}

function accessOf({ endpoints, user }: WorkerJob): library.EtcdOptions {
  return { endpoints, user };
}
