import { Scope } from "./abort.ts";
import { HeldLock } from "./held-lock.ts";

/** Several locks taken in one step: held while all of them are, and given back in one step. */
export class HeldLocks implements AsyncDisposable {
  readonly #locks: ReadonlyMap<string, HeldLock>;
  #lost: Scope | undefined;

  /** @internal */
  constructor(locks: readonly HeldLock[]) {
    this.#locks = new Map(locks.map((lock) => [lock.name, lock]));
  }

  /** What is locked, in the order asked for. */
  get names(): readonly string[] {
    return [...this.#locks.keys()];
  }

  /** One of the locks, for example for its fencing token. @throws RangeError when `name` is not among them. */
  get(name: string): HeldLock {
    const lock = this.#locks.get(name);
    if (lock === undefined) throw new RangeError(`${JSON.stringify(name)} is not one of ${JSON.stringify(this.names)}`);
    return lock;
  }

  /** Aborts with a `LockLostError` when the first of the locks is lost. */
  get signal(): AbortSignal {
    this.#lost ??= new Scope(...this.#all.map(({ signal }) => signal));
    return this.#lost.signal;
  }

  /** Whether all the locks are certainly held, right now. */
  get held(): boolean {
    return this.#all.every(({ held }) => held);
  }

  /** For how long all the locks are certain without another renewal, in milliseconds; 0 when one is not held. */
  get remaining(): number {
    return Math.min(...this.#all.map(({ remaining }) => remaining));
  }

  /** @throws LockLostError, NotHeldError of the first lock that is not held. */
  assertHeld(): void {
    for (const lock of this.#all) lock.assertHeld();
  }

  /** Gives all of them back in one transaction. Whether all were held until then. @throws as {@link HeldLock.release}. */
  async release(): Promise<boolean> {
    try {
      return await HeldLock.releaseAll(this.#all);
    } finally {
      this.#lost?.[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  get #all(): readonly HeldLock[] {
    return [...this.#locks.values()];
  }
}
