import { hostname } from "node:os";
import { linkSignals, sharedAbortController } from "./abort.ts";
import {
  type AcquireOptions,
  type ResolvedAcquire,
  resolveAcquire,
  type TryAcquireOptions,
} from "./acquire-options.ts";
import { type Clock, systemClock } from "./clock.ts";
import { EtcdLockError } from "./errors.ts";
import { type EtcdOptions, parseEtcdSource } from "./etcd/endpoints.ts";
import type { EtcdClient } from "./etcd/etcd-client.ts";
import { GrpcEtcdClient } from "./etcd/grpc-etcd-client.ts";
import { onIdleExit } from "./exit-cleanup.ts";
import { HeldLock } from "./held-lock.ts";
import { HeldLocks } from "./held-locks.ts";
import { admitToLines } from "./line/admit-to-lines.ts";
import { breakHold } from "./line/break-hold.ts";
import { type Admission, entryKey } from "./line/entry.ts";
import { inspectLine, type Line } from "./line/inspect-line.ts";
import type { LineName } from "./line/line-name.ts";
import { NotAvailableError, type Patience } from "./line/wait-for-turn.ts";
import { LockEvents } from "./lock-events.ts";
import {
  checkName,
  checkNames,
  checkNonEmptyString,
  checkRefreshInterval,
  checkTimeout,
  checkTtl,
  defaultTtl,
} from "./lock-options.ts";
import { SessionPool } from "./session/session-pool.ts";
import { waitTimeout } from "./wait-timeout.ts";

export interface LockManagerOptions extends EtcdOptions {
  /** Seconds after which a lock ends whose owner is gone; a whole number from 1 to 1,000,000. 60 by default. */
  readonly ttl?: number;
  /** How often held locks are renewed, in milliseconds. Half the TTL by default. */
  readonly refreshInterval?: number;
  /** Who we are, as people read it. The host's name by default. */
  readonly id?: string;
  /** How long etcd may be out of reach before a call that needs it rejects, in milliseconds. 10,000 by default. */
  readonly connectTimeout?: number;
}

const defaultConnectTimeoutMs = 10_000;

/**
 * Any number of locks over one connection and one session. Held locks keep the process alive; an idle manager does not.
 */
export class LockManager extends LockEvents implements AsyncDisposable {
  readonly #client: EtcdClient;
  readonly #clock: Clock = systemClock;
  readonly #pool: SessionPool;
  readonly #ttl: number;
  readonly #refreshInterval: number | undefined;
  readonly #id: string;
  readonly #connectTimeoutMs: number;
  readonly #closed = sharedAbortController();
  readonly #waits = new Set<Promise<unknown>>();
  readonly #locks = new Set<HeldLock>();
  readonly #stopListening: () => void;

  /** @throws TypeError, RangeError that name the option, what came and what is allowed. */
  constructor(options: LockManagerOptions) {
    super();
    const endpoints = parseEtcdSource(options);
    this.#ttl = checkTtl(options.ttl ?? defaultTtl);
    this.#refreshInterval =
      options.refreshInterval === undefined ? undefined : checkRefreshInterval(options.refreshInterval, this.#ttl);
    this.#id = checkNonEmptyString("id", options.id ?? hostname());
    this.#connectTimeoutMs = checkTimeout("connectTimeout", options.connectTimeout) ?? defaultConnectTimeoutMs;
    this.#client = new GrpcEtcdClient(endpoints, this.#clock);
    const onRenewalFailed = (error: Error): void => this.tell("renewalFailed", { error });
    this.#pool = new SessionPool({ client: this.#client, clock: this.#clock, onRenewalFailed });
    this.#stopListening = onIdleExit(() => this.#pool.closeIdle());
  }

  /**
   * Waits in line for the lock `name`, as long as it takes.
   *
   * @throws LockTimeoutError; the signal's reason; EtcdUnavailableError when etcd is out of reach for `connectTimeout`
   * before the line was entered; EtcdRefusedError; TypeError, RangeError for bad arguments. The line has been left then.
   */
  async acquire(name: string, options: AcquireOptions = {}): Promise<HeldLock> {
    const [lock] = await this.#take([checkName(name)], "wait", options);
    if (lock === undefined) throw new TypeError("one name gives one lock");
    return lock;
  }

  /** The lock `name` if it is to be had now, `null` if not. @throws as {@link LockManager.acquire}. */
  async tryAcquire(name: string, options: TryAcquireOptions = {}): Promise<HeldLock | null> {
    const locks = await orNull(this.#take([checkName(name)], "only-now", options));
    return locks?.[0] ?? null;
  }

  /**
   * Waits until all of `names`, 1 to 60 different ones, can be held together. All lines are entered in one step, so that
   * no two such calls can block each other for ever. @throws as {@link LockManager.acquire}.
   */
  async acquireAll(names: readonly string[], options: AcquireOptions = {}): Promise<HeldLocks> {
    return new HeldLocks(await this.#take(checkNames(names), "wait", options));
  }

  /** All of `names` if they are to be had now, `null` if not. @throws as {@link LockManager.acquire}. */
  async tryAcquireAll(names: readonly string[], options: TryAcquireOptions = {}): Promise<HeldLocks | null> {
    const locks = await orNull(this.#take(checkNames(names), "only-now", options));
    return locks === null ? null : new HeldLocks(locks);
  }

  /**
   * Runs `work` while holding the lock `name`, and gives it back afterwards.
   *
   * Rejects with what `work` throws; with the `LockLostError` when the lock was lost meanwhile, even if `work` resolved;
   * as {@link LockManager.acquire} and {@link HeldLock.release}.
   */
  async withLock<T>(name: string, work: (lock: HeldLock) => Promise<T> | T): Promise<T>;
  async withLock<T>(name: string, options: AcquireOptions, work: (lock: HeldLock) => Promise<T> | T): Promise<T>;
  async withLock<T>(
    name: string,
    ...rest: [(lock: HeldLock) => Promise<T> | T] | [AcquireOptions, (lock: HeldLock) => Promise<T> | T]
  ): Promise<T> {
    const [options, work] = rest.length === 1 ? [{}, rest[0]] : rest;
    if (typeof work !== "function") throw new TypeError("withLock needs a function to run while the lock is held");
    const lock = await this.acquire(name, options);
    let result: T;
    try {
      result = await work(lock);
    } catch (error) {
      // What went wrong in there matters more than what may go wrong now.
      await lock.release().catch(() => {});
      throw error;
    }
    const wasHeld = await lock.release();
    if (!wasHeld) lock.signal.throwIfAborted();
    return result;
  }

  /**
   * Takes the lock `name` away from exactly the holder with this fencing token, who is told. The next in line enters when
   * that holder has stopped, or has been outlived. Resolves with whether there was such a holder.
   *
   * @throws EtcdUnavailableError, EtcdRefusedError; TypeError.
   */
  async breakLock(name: string, { fencingToken }: { readonly fencingToken: bigint }): Promise<boolean> {
    if (typeof fencingToken !== "bigint") throw new TypeError("fencingToken must be a bigint");
    return await breakHold(this.#client, checkName(name), fencingToken, { timeoutMs: this.#connectTimeoutMs });
  }

  /** Who holds `name` and who waits for it, in order; read linearizably. @throws EtcdUnavailableError, EtcdRefusedError. */
  async inspect(name: string): Promise<Line> {
    return await inspectLine(this.#client, checkName(name), { timeoutMs: this.#connectTimeoutMs });
  }

  /**
   * Leaves every line, gives back every lock, ends the leases and the connection.
   *
   * @throws EtcdUnavailableError when etcd did not answer: then everything ends with its lease.
   */
  async close(): Promise<void> {
    this.#closed.abort(new EtcdLockError("CLOSED", "the lock manager has been closed"));
    this.#stopListening();
    await Promise.allSettled([...this.#waits, HeldLock.releaseAll([...this.#locks])]);
    try {
      await this.#pool.close();
    } finally {
      this.#client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Another TTL for a lock that is held; it keeps its place. @internal */
  async changeTtl(lock: HeldLock, ttl: number): Promise<void> {
    await lock.moveTo(await this.#pool.take(ttl, this.#connectTimeoutMs, this.#closed.signal));
  }

  async #take(lines: readonly LineName[], patience: Patience, options: AcquireOptions): Promise<readonly HeldLock[]> {
    this.#closed.signal.throwIfAborted();
    const defaults = { id: this.#id, ttl: this.#ttl, refreshInterval: this.#refreshInterval };
    const wait = this.#wait(lines, patience, resolveAcquire(options, defaults));
    this.#waits.add(wait);
    try {
      return await wait;
    } finally {
      this.#waits.delete(wait);
    }
  }

  async #wait(lines: readonly LineName[], patience: Patience, options: ResolvedAcquire): Promise<readonly HeldLock[]> {
    const startedAt = this.#clock.now();
    const names = lines.map(({ name }) => name);
    this.tell("acquiring", { names });
    using limit = waitTimeout(this.#clock, options.timeoutMs, () =>
      this.inspect(limit.waitingFor?.name ?? names[0] ?? ""),
    );
    using linked = linkSignals(this.#closed.signal, limit.signal, options.signal);
    try {
      const admissions = await admitToLines({
        lines,
        value: options.value,
        patience,
        signal: linked.signal,
        connectTimeoutMs: this.#connectTimeoutMs,
        takeSession: (timeoutMs) => this.#pool.take(options.ttl, timeoutMs, linked.signal),
        onWaiting: (entry) => {
          const waiting = { name: entry.line.name, key: entryKey(entry) };
          limit.waitingFor = waiting;
          options.onWaiting?.(waiting);
          this.tell("waiting", waiting);
        },
      });
      return admissions.map((admission) => this.#hold(admission, options.refreshIntervalMs, startedAt));
    } catch (error) {
      this.tell("failed", { names, waited: this.#clock.now() - startedAt, error });
      throw error;
    }
  }

  #hold(admission: Admission, refreshIntervalMs: number, startedAt: number): HeldLock {
    const heldAt = this.#clock.now();
    const lock: HeldLock = new HeldLock(admission, refreshIntervalMs, {
      onRenewed: () => this.tell("renewed", { lock }),
      onAtRisk: () => this.tell("atRisk", { lock, remaining: lock.remaining }),
      onLost: (error) => this.tell("lost", { lock, error }),
      onReleased: () => {
        this.#locks.delete(lock);
        this.tell("released", { lock, held: this.#clock.now() - heldAt });
      },
    });
    this.#locks.add(lock);
    this.tell("acquired", { lock, waited: heldAt - startedAt });
    return lock;
  }
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof NotAvailableError) return null;
    throw error;
  }
}
