import { EventEmitter } from "node:events";
import { onAbort, orAborted, Scope } from "./abort.ts";
import { connectTimeoutFor, type Waiting } from "./acquire-options.ts";
import { systemClock } from "./clock.ts";
import {
  EtcdLockError,
  EtcdRefusedError,
  EtcdUnavailableError,
  LockLostError,
  LockTimeoutError,
  NotAvailableError,
  NotHeldError,
} from "./errors.ts";
import { LineName } from "./line/line-name.ts";
import { LockManager } from "./lock-manager.ts";
import { defaultConnectTimeoutMs } from "./lock-manager-options.ts";
import {
  checkNonEmptyString,
  checkOptions,
  checkRefreshInterval,
  checkSignal,
  checkTimeout,
  checkTtl,
  defaultTtl,
} from "./lock-options.ts";
import type { LockProvider, ProvidedLock } from "./lock-provider.ts";
import { checkId } from "./owner-id.ts";
import { type LockEtcd, provideLocks } from "./provide-locks.ts";
import { type WaitTimeout, waitTimeout } from "./wait-timeout.ts";

export interface LockOptions {
  /** Ends the wait: `lock()` rejects with the signal's reason, and the line has been left. */
  readonly signal?: AbortSignal;
  /** How long to wait for the turn, in milliseconds; without limit by default. */
  readonly timeout?: number;
}

/** One wait in line, shared by all calls of `lock()` meanwhile. */
interface Wait {
  readonly done: Promise<ProvidedLock>;
  readonly controller: AbortController;
  callers: number;
  readonly limits: Set<WaitTimeout>;
  place: Waiting | undefined;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "waiting"; readonly wait: Wait }
  | { readonly kind: "held"; readonly held: ProvidedLock; readonly ttl: number }
  /** Told of; what is left of it in etcd keeps others out until its owner has surely stopped. */
  | { readonly kind: "lost"; readonly held: ProvidedLock }
  /** Being given back, or leaving the line. */
  | { readonly kind: "ending"; readonly done: Promise<unknown> };

/**
 * A lock as in etcd-lock 1.x: one object for one key, taken and given back any number of times.
 *
 * Emits `error` with a {@link LockLostError}, once per loss. As for every event emitter of Node.js, an `error` that nobody
 * listens to is thrown.
 */
export class Lock extends EventEmitter<{ error: [LockLostError] }> implements AsyncDisposable {
  static readonly Lock: typeof Lock = Lock;
  static readonly LockManager: typeof LockManager = LockManager;
  static readonly EtcdLockError: typeof EtcdLockError = EtcdLockError;
  static readonly EtcdRefusedError: typeof EtcdRefusedError = EtcdRefusedError;
  static readonly EtcdUnavailableError: typeof EtcdUnavailableError = EtcdUnavailableError;
  static readonly LockLostError: typeof LockLostError = LockLostError;
  static readonly LockTimeoutError: typeof LockTimeoutError = LockTimeoutError;
  static readonly NotAvailableError: typeof NotAvailableError = NotAvailableError;
  static readonly NotHeldError: typeof NotHeldError = NotHeldError;

  /** What is locked. */
  readonly key: string;
  /** Who we are, as people read it. Two locks exclude each other also when they have the same id. */
  readonly id: string;
  readonly #provider: LockProvider;
  #ttl: number;
  #refreshInterval: number | undefined;
  #state: State = { kind: "idle" };
  #signal: AbortSignal = new AbortController().signal;

  /**
   * @param etcd where etcd is: `"host:port"`, several in an array or separated by commas, a URL, or options; or a client
   * of node-etcd, for etcd's v2 API.
   * @param key what to lock; any string but the empty one.
   * @param id who we are, for people.
   * @param ttl seconds after which the lock ends if its owner is gone: a whole number from 1 to 1,000,000.
   * @throws TypeError, RangeError that name the argument, what came and what is allowed.
   */
  constructor(etcd: LockEtcd, key: string, id: string, ttl: number = defaultTtl) {
    super();
    this.#provider = provideLocks(etcd);
    this.key = new LineName(checkNonEmptyString("key", key)).name;
    this.id = checkId(id);
    this.#ttl = checkTtl(ttl);
  }

  /** In seconds. A change counts from the next call of `lock()`, which may be made while the lock is held. */
  get ttl(): number {
    return this.#ttl;
  }

  set ttl(ttl: number) {
    this.#ttl = checkTtl(ttl);
  }

  /**
   * How often the lock is renewed, in milliseconds: half the TTL, unless set. At the latest after 60 % of the TTL it is
   * renewed all the same, so that there is time to try again. A change counts from the next call of `lock()`.
   */
  get refreshInterval(): number {
    return this.#refreshInterval ?? (this.#ttl * 1_000) / 2;
  }

  set refreshInterval(refreshInterval: number) {
    // Whether it is less than the TTL is seen when both are used: either may be set first.
    this.#refreshInterval = checkRefreshInterval(refreshInterval, Number.POSITIVE_INFINITY);
  }

  /** Whether the lock is certainly held, right now; right also in the first line after the event loop was blocked. */
  get held(): boolean {
    return this.#state.kind === "held" && this.#state.held.held;
  }

  /** Grows from holder to holder of this key; give it along with every write that the lock protects. */
  get fencingToken(): bigint | undefined {
    return this.#state.kind === "held" ? this.#state.held.fencingToken : undefined;
  }

  /** Aborts with the `LockLostError` when the lock is lost. Each acquisition has another. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /**
   * Takes the lock; waits in line as long as it takes. Calls at the same time share one wait. While the lock is held, it
   * is renewed instead, and a changed `ttl` or `refreshInterval` is taken over; its place in line is kept.
   *
   * @throws EtcdUnavailableError when etcd cannot be reached for 10 s; EtcdRefusedError; LockTimeoutError; the signal's
   * reason; EtcdLockError with the code `LOCK_ABANDONED` when `unlock()` is called meanwhile; TypeError, RangeError.
   */
  async lock(options: LockOptions = {}): Promise<this> {
    const signal = checkSignal(checkOptions(options).signal);
    const timeout = checkTimeout("timeout", options.timeout);
    checkRefreshInterval(this.refreshInterval, this.#ttl);
    signal?.throwIfAborted();
    while (this.#state.kind === "ending") await this.#state.done.catch(() => {});
    // Who takes the lock anew is not inside any more: nobody, we included, need wait until that is certain.
    if (this.#state.kind === "lost") void this.#state.held.release();
    if (this.#state.kind === "held" && this.#state.held.signal.aborted === false) {
      await this.#renew(this.#state.held, this.#state.ttl);
    } else {
      await this.#join(this.#state.kind === "waiting" ? this.#state.wait : this.#startWait(timeout), signal, timeout);
    }
    return this;
  }

  /**
   * Gives the lock back. While `lock()` is waiting, ends the wait instead, and rejects. After a loss it rejects too, and
   * says that nobody is inside any more: the next in line need not wait until that is certain.
   *
   * @throws NotHeldError; LockLostError when the lock turns out only now to be lost, for which there is an `error` event as
   * well; EtcdUnavailableError within 5 s when etcd does not answer: the lock is not held any more then, and free for
   * others when its lease has ended; EtcdRefusedError.
   */
  async unlock(): Promise<void> {
    const state = this.#state;
    if (state.kind === "waiting") {
      const reason = `unlock() was called while waiting for lock ${this.#shown}`;
      await this.#endWait(state.wait, new EtcdLockError("LOCK_ABANDONED", reason));
    }
    if (state.kind === "lost") await this.#end(state.held.release());
    if (state.kind !== "held") throw new NotHeldError(`lock ${this.#shown} is not held`);
    const wasHeld = await this.#end(state.held.release());
    if (!wasHeld) state.held.signal.throwIfAborted();
  }

  /** Gives the lock back if it is held, and ends a wait. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state.kind === "idle") return;
    await this.unlock().catch((error: unknown) => {
      if (!(error instanceof NotHeldError || error instanceof LockLostError)) throw error;
    });
  }

  override toString(): string {
    return `[etcd-lock:${this.key}:${this.id}]`;
  }

  get #shown(): string {
    return JSON.stringify(this.key);
  }

  async #renew(held: ProvidedLock, ttl: number): Promise<void> {
    const newTtl = this.#ttl;
    if (newTtl !== ttl) {
      await this.#provider.changeTtl(held, newTtl);
      if (this.#state.kind === "held") this.#state = { ...this.#state, ttl: newTtl };
    }
    await held.renew({ refreshInterval: this.refreshInterval });
  }

  #startWait(timeout: number | undefined): Wait {
    const controller = new AbortController();
    const ttl = this.#ttl;
    const done = this.#provider.acquire(this.key, {
      signal: controller.signal,
      ttl,
      id: this.id,
      refreshInterval: this.refreshInterval,
      connectTimeout: connectTimeoutFor(timeout, defaultConnectTimeoutMs),
      onWaiting: (waiting) => {
        wait.place = waiting;
        for (const limit of wait.limits) limit.inLine(waiting);
      },
    });
    const wait: Wait = { done, controller, callers: 0, limits: new Set(), place: undefined };
    this.#state = { kind: "waiting", wait };
    const isCurrent = (): boolean => this.#state.kind === "waiting" && this.#state.wait === wait;
    done.then(
      (held) => isCurrent() && this.#acquired(held, ttl),
      () => {
        if (isCurrent()) this.#state = { kind: "idle" };
      },
    );
    return wait;
  }

  /** Leaves the line; should the turn have come just now, the lock is given back. */
  async #endWait(wait: Wait, reason: unknown): Promise<void> {
    wait.controller.abort(reason);
    await this.#end(wait.done.then((held) => held.release()).catch(() => false));
  }

  async #end<T>(done: Promise<T>): Promise<T> {
    this.#state = { kind: "ending", done };
    try {
      return await done;
    } finally {
      this.#state = { kind: "idle" };
    }
  }

  #acquired(held: ProvidedLock, ttl: number): void {
    this.#state = { kind: "held", held, ttl };
    this.#signal = held.signal;
    onAbort(held.signal, (error) => this.#lost(held, error));
  }

  #lost(held: ProvidedLock, error: unknown): void {
    if (!(error instanceof LockLostError)) return;
    if (this.#state.kind === "held" && this.#state.held === held) this.#state = { kind: "lost", held };
    // However the loss was found, by unlock() or before, an error that nobody listens to is thrown in the same way.
    queueMicrotask(() => this.emit("error", error));
  }

  /** One caller of `lock()`: may stop waiting for itself; the last one ends the wait. */
  async #join(wait: Wait, signal: AbortSignal | undefined, timeout: number | undefined): Promise<void> {
    wait.callers += 1;
    using limit = waitTimeout(systemClock, timeout, (name) => this.#provider.inspect(name));
    if (wait.place !== undefined) limit?.inLine(wait.place);
    if (limit !== undefined) wait.limits.add(limit);
    using scope = new Scope(signal, limit?.scope);
    try {
      await orAborted(wait.done, scope);
      wait.controller.signal.throwIfAborted();
    } catch (error) {
      wait.callers -= 1;
      if (limit !== undefined) wait.limits.delete(limit);
      if (scope.aborted && wait.callers === 0) await this.#endWait(wait, error);
      throw error;
    }
  }
}
