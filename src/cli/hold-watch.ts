import type { HeldLock, LockManager } from "../index.ts";
import { messageOf } from "./error-message.ts";
import type { Host } from "./host.ts";

/** The lock is lost, or would be before the command could end. */
export class HoldEndedError extends Error {
  override readonly name = "HoldEndedError";
}

/** What follows a hold from renewal to renewal. */
export interface HoldWatchOptions {
  /** How long before the deadline the command has to be stopped, in milliseconds. */
  readonly stopMarginMs: number;
  /** Called at once and after each renewal with the time left until the deadline, in milliseconds. */
  onDeadline(remainingMs: number): void;
  onRenewalFailed(error: unknown): void;
}

/**
 * Tells when a command has to be stopped: when the lock is lost, and earlier, when without another renewal the time
 * until the deadline is only just enough for the command to end.
 */
export class HoldWatch {
  readonly #host: Host;
  readonly #manager: LockManager;
  readonly #lock: HeldLock;
  readonly #options: HoldWatchOptions;
  readonly #stop = new AbortController();
  /** On the clock of the host; what is known of the deadline also after the lock has been lost. */
  #deadline = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastFailure: unknown;

  constructor(host: Host, manager: LockManager, lock: HeldLock, options: HoldWatchOptions) {
    this.#host = host;
    this.#manager = manager;
    this.#lock = lock;
    this.#options = options;
    manager.on("renewed", this.#follow);
    manager.on("renewalFailed", this.#noteFailure);
    lock.signal.addEventListener("abort", this.#check);
    this.#follow();
  }

  /** Aborted when the command has to be stopped; the reason is a {@link HoldEndedError}. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Time left until the last known deadline, in milliseconds, also when the lock was lost before. */
  get remainingMs(): number {
    return Math.max(0, this.#deadline - this.#host.now());
  }

  /** Looks at the lock itself, and not at what timers and events have told so far. Right also after a blocked event loop. */
  mustStop(): boolean {
    this.#check();
    return this.#stop.signal.aborted;
  }

  /** Nobody is inside any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#manager.off("renewed", this.#follow);
    this.#manager.off("renewalFailed", this.#noteFailure);
    this.#lock.signal.removeEventListener("abort", this.#check);
  }

  readonly #follow = (): void => {
    const remainingMs = this.#lock.remaining;
    if (remainingMs > 0) {
      this.#deadline = this.#host.now() + remainingMs;
      this.#options.onDeadline(remainingMs);
    }
    this.#check();
  };

  readonly #noteFailure = ({ error }: { readonly error: unknown }): void => {
    this.#lastFailure = error;
    this.#options.onRenewalFailed(error);
  };

  readonly #check = (): void => {
    clearTimeout(this.#timer);
    if (this.#stop.signal.aborted) return;
    const leftMs = this.#lock.remaining - this.#options.stopMarginMs;
    if (leftMs > 0) this.#timer = setTimeout(this.#check, leftMs);
    else this.#stop.abort(this.#explain());
  };

  #explain(): HoldEndedError {
    const { signal } = this.#lock;
    if (signal.aborted) {
      const cause: unknown = signal.reason;
      return new HoldEndedError(messageOf(cause), { cause });
    }
    const because = this.#lastFailure === undefined ? "" : `: ${messageOf(this.#lastFailure)}`;
    return new HoldEndedError(`The lock could not be renewed in time${because}`, { cause: this.#lastFailure });
  }
}
