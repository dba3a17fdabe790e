import { EventEmitter } from "node:events";
import type { CommandLocks, CommandManager } from "./command-manager.ts";
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

/** What a {@link HoldWatch} tells, besides its signal. */
export interface HoldWatchEvents {
  /** For half the TTL one of the locks has not been renewed. */
  atRisk: [];
  /** All of them have been renewed again. */
  safe: [];
}

/**
 * Tells when a command has to be stopped: when one of its locks is lost, and earlier, when without another renewal the
 * time until the deadline is only just enough for the command to end.
 */
export class HoldWatch extends EventEmitter<HoldWatchEvents> {
  readonly #host: Host;
  readonly #manager: CommandManager;
  readonly #locks: CommandLocks;
  readonly #options: HoldWatchOptions;
  readonly #stop = new AbortController();
  /** On the clock of the host; what is known of the deadline also after the lock has been lost. */
  #deadline = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastFailure: unknown;
  readonly #atRisk = new Set<object>();

  constructor(host: Host, manager: CommandManager, locks: CommandLocks, options: HoldWatchOptions) {
    super();
    this.#host = host;
    this.#manager = manager;
    this.#locks = locks;
    this.#options = options;
    manager.on("renewed", this.#noteRenewed);
    manager.on("atRisk", this.#noteRisk);
    manager.on("renewalFailed", this.#noteFailure);
    locks.signal.addEventListener("abort", this.#check);
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
    this.#manager.off("renewed", this.#noteRenewed);
    this.#manager.off("atRisk", this.#noteRisk);
    this.#manager.off("renewalFailed", this.#noteFailure);
    this.#locks.signal.removeEventListener("abort", this.#check);
  }

  readonly #noteRisk = ({ lock }: { readonly lock: object }): void => {
    this.#atRisk.add(lock);
    if (this.#atRisk.size === 1) this.emit("atRisk");
  };

  readonly #noteRenewed = ({ lock }: { readonly lock: object }): void => {
    if (this.#atRisk.delete(lock) && this.#atRisk.size === 0) this.emit("safe");
    this.#follow();
  };

  readonly #follow = (): void => {
    const remainingMs = this.#locks.remaining;
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
    const leftMs = this.#locks.remaining - this.#options.stopMarginMs;
    if (leftMs > 0) this.#timer = setTimeout(this.#check, leftMs);
    else this.#stop.abort(this.#explain());
  };

  #explain(): HoldEndedError {
    const { signal } = this.#locks;
    if (signal.aborted) {
      const cause: unknown = signal.reason;
      return new HoldEndedError(messageOf(cause), { cause });
    }
    const because = this.#lastFailure === undefined ? "" : `: ${messageOf(this.#lastFailure)}`;
    return new HoldEndedError(`The lock could not be renewed in time${because}`, { cause: this.#lastFailure });
  }
}
