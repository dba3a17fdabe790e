import { EventEmitter } from "node:events";
import { hostname } from "node:os";
import { linkSignals, sharedAbortController } from "./abort.ts";
import { type Clock, systemClock } from "./clock.ts";
import { EtcdLockError, type LockLostError } from "./errors.ts";
import { type EtcdOptions, parseEtcdSource } from "./etcd/endpoints.ts";
import type { EtcdClient } from "./etcd/etcd-client.ts";
import { GrpcEtcdClient } from "./etcd/grpc-etcd-client.ts";
import { onIdleExit } from "./exit-cleanup.ts";
import { HeldLock } from "./held-lock.ts";
import { admitToLine } from "./line/admit-to-line.ts";
import { type Entry, entryKey } from "./line/entry.ts";
import type { EntryValue, JsonValue } from "./line/entry-value.ts";
import { inspectLine, type Line } from "./line/inspect-line.ts";
import { LineName } from "./line/line-name.ts";
import {
  checkMetadata,
  checkNonEmptyString,
  checkRefreshInterval,
  checkSignal,
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

export interface AcquireOptions {
  /** Ends the wait: it rejects with the signal's reason, and the line has been left. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for the turn, in milliseconds; without limit by default. */
  readonly timeout?: number | undefined;
  /** What others see of this owner besides id, host and process id; up to 8 KiB of JSON. */
  readonly metadata?: Readonly<Record<string, JsonValue>> | undefined;
  /** Instead of the manager's, for this lock. */
  readonly ttl?: number | undefined;
  /** Instead of the manager's, for this lock. */
  readonly refreshInterval?: number | undefined;
  /** Instead of the manager's, for this lock. */
  readonly id?: string | undefined;
  /** Called when the lock is not to be had at once, and its line has been entered. */
  readonly onWaiting?: ((waiting: Waiting) => void) | undefined;
}

/** Somebody is ahead of us in line. */
export interface Waiting {
  readonly name: string;
  /** The etcd key of our entry, by which it can be found in {@link LockManager.inspect}. */
  readonly key: string;
}

/** What a {@link LockManager} tells, and with what. */
export interface LockManagerEvents {
  /** A lock is not to be had at once: its line has been entered. */
  waiting: [Waiting];
  /** Lease and hold record of a held lock have been renewed. */
  renewed: [{ readonly lock: HeldLock }];
  /** A renewal was tried and failed. Locks are held on until their deadline, and the next try comes soon. */
  renewalFailed: [{ readonly error: Error }];
  /** A held lock has been lost. */
  lost: [{ readonly lock: HeldLock; readonly error: LockLostError }];
}

const defaultConnectTimeoutMs = 10_000;

/**
 * Any number of locks over one connection and one session. Held locks keep the process alive; an idle manager does not.
 */
export class LockManager extends EventEmitter<LockManagerEvents> implements AsyncDisposable {
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
    const onRenewalFailed = (error: Error): void => void this.emit("renewalFailed", { error });
    this.#pool = new SessionPool({ client: this.#client, clock: this.#clock, onRenewalFailed });
    this.#stopListening = onIdleExit(() => this.#pool.closeIdle());
  }

  /**
   * Waits in line for the exclusive lock `name`, as long as it takes.
   *
   * @throws LockTimeoutError; the signal's reason; EtcdUnavailableError when etcd is out of reach for `connectTimeout`
   * before the line was entered; EtcdRefusedError; TypeError, RangeError for bad arguments. The line has been left then.
   */
  async acquire(name: string, options: AcquireOptions = {}): Promise<HeldLock> {
    this.#closed.signal.throwIfAborted();
    const line = new LineName(name);
    const wait = this.#wait(line, options);
    this.#waits.add(wait);
    try {
      return await wait;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** Who holds `name` and who waits for it, in order; read linearizably. @throws EtcdUnavailableError, EtcdRefusedError. */
  async inspect(name: string): Promise<Line> {
    return await inspectLine(this.#client, new LineName(name), { timeoutMs: this.#connectTimeoutMs });
  }

  /**
   * Leaves every line, gives back every lock, ends the leases and the connection.
   *
   * @throws EtcdUnavailableError when etcd did not answer: then everything ends with its lease.
   */
  async close(): Promise<void> {
    this.#closed.abort(new EtcdLockError("CLOSED", "the lock manager has been closed"));
    this.#stopListening();
    await Promise.allSettled([...this.#waits, ...[...this.#locks].map((lock) => lock.release())]);
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

  async #wait(line: LineName, options: AcquireOptions): Promise<HeldLock> {
    const ttl = checkTtl(options.ttl ?? this.#ttl);
    const refreshInterval = checkRefreshInterval(options.refreshInterval ?? this.#defaultRefreshInterval(ttl), ttl);
    const value = this.#entryValue(options);
    using limit = waitTimeout(this.#clock, checkTimeout("timeout", options.timeout), () => this.inspect(line.name));
    using linked = linkSignals(this.#closed.signal, limit.signal, checkSignal(options.signal));
    const admission = await admitToLine({
      line,
      value,
      signal: linked.signal,
      connectTimeoutMs: this.#connectTimeoutMs,
      takeSession: (timeoutMs) => this.#pool.take(ttl, timeoutMs, linked.signal),
      onWaiting: (entry: Entry) => {
        const waiting = { name: line.name, key: entryKey(entry) };
        limit.ownKey = waiting.key;
        options.onWaiting?.(waiting);
        this.emit("waiting", waiting);
      },
    });
    const lock = new HeldLock(admission, refreshInterval, {
      onRenewed: (renewed) => void this.emit("renewed", { lock: renewed }),
      onLost: (lost, error) => void this.emit("lost", { lock: lost, error }),
      onReleased: (released) => void this.#locks.delete(released),
    });
    this.#locks.add(lock);
    return lock;
  }

  #defaultRefreshInterval(ttl: number): number {
    return ttl === this.#ttl && this.#refreshInterval !== undefined ? this.#refreshInterval : (ttl * 1_000) / 2;
  }

  #entryValue({ id, metadata }: AcquireOptions): EntryValue {
    return {
      id: checkNonEmptyString("id", id ?? this.#id),
      host: hostname(),
      pid: process.pid,
      since: Date.now(),
      limit: 1,
      ...(metadata !== undefined && { metadata: checkMetadata(metadata) }),
    };
  }
}
