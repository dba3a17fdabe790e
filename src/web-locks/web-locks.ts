import type { TryAcquireOptions } from "../acquire-options.ts";
import type { HeldLock } from "../held-lock.ts";
import { EnteringOrder } from "./entering-order.ts";
import { type LockRequest, type LockRequestArguments, readLockRequest } from "./lock-request.ts";
import { RequestedNames } from "./requested-names.ts";
import { type LockManagerSnapshot, takeSnapshot } from "./snapshot.ts";
import { type LockBreaker, stealLock } from "./steal-lock.ts";
import { workWhileHeld } from "./work-while-held.ts";

/** What of a `LockManager` the Web Locks API is made of. */
export interface LockSource extends LockBreaker {
  tryAcquire(name: string, options: TryAcquireOptions): Promise<HeldLock | null>;
}

/** So many lines are read at a time. */
const readsAtOnce = 32;

/** The Web Locks API (https://w3c.github.io/web-locks/) on the locks of one manager. */
export class WebLocks {
  readonly #locks: LockSource;
  readonly #names = new RequestedNames();
  readonly #order = new EnteringOrder();

  constructor(locks: LockSource) {
    this.#locks = locks;
  }

  /** See `LockManager.request`. */
  async request<T>(name: unknown, rest: LockRequestArguments<T>): Promise<Awaited<T>> {
    const request = readLockRequest(name, rest);
    using _inUse = this.#names.use(request.name);
    const lock = await this.#order.inTurn(request.name, request.signal, (onEntered) => this.#take(request, onEntered));
    if (lock === null) return await request.callback(null);
    // It may have aborted just as the lock was granted.
    return await workWhileHeld(lock, (held) => {
      request.signal?.throwIfAborted();
      return request.callback(held);
    });
  }

  /** See `LockManager.query`. */
  async query(): Promise<LockManagerSnapshot> {
    await this.#order.allEntered();
    const names = this.#names.list();
    const lines = [];
    for (let start = 0; start < names.length; start += readsAtOnce) {
      const some = names.slice(start, start + readsAtOnce);
      lines.push(...(await Promise.all(some.map((name) => this.#locks.inspect(name)))));
    }
    return takeSnapshot(lines);
  }

  async #take(request: LockRequest<unknown>, onEntered: () => void): Promise<HeldLock | null> {
    const { name, mode, signal, ifAvailable, steal } = request;
    if (ifAvailable) return await this.#locks.tryAcquire(name, { mode });
    if (steal) return await stealLock(this.#locks, name, onEntered);
    return await this.#locks.acquire(name, { mode, signal, onWaiting: onEntered });
  }
}
