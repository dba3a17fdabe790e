import type { HeldLock } from "./held-lock.ts";

/** Leading an election: until resigned, or lost. Made by `LockManager.elect`. */
export class Leadership implements AsyncDisposable {
  readonly #lock: HeldLock;

  /** @internal */
  constructor(lock: HeldLock) {
    this.#lock = lock;
  }

  /** What is led. */
  get name(): string {
    return this.#lock.name;
  }

  /** Whether we certainly lead, right now. */
  get held(): boolean {
    return this.#lock.held;
  }

  /** Aborts with a `LockLostError` when leadership is lost: at the deadline at the latest. */
  get signal(): AbortSignal {
    return this.#lock.signal;
  }

  /** Grows from leader to leader; give it along with every write that leading protects. */
  get fencingToken(): bigint {
    return this.#lock.fencingToken;
  }

  /** @throws LockLostError, NotHeldError when we do not certainly lead. */
  assertHeld(): void {
    this.#lock.assertHeld();
  }

  /** Changes what observers see, without a new election. @throws LockLostError, NotHeldError, EtcdUnavailableError. */
  async proclaim(value: string): Promise<void> {
    await this.#lock.propose(value);
  }

  /** Gives leadership back. Whether it was held until then. @throws as `HeldLock.release`. */
  async resign(): Promise<boolean> {
    return await this.#lock.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }
}
