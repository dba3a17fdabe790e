import { Scope, type Signal } from "./abort.ts";
import {
  type AcquireDefaults,
  type AcquireOptions,
  resolveAcquire,
  type TryAcquireOptions,
} from "./acquire-options.ts";
import { type AcquisitionContext, takeLocks } from "./acquisition.ts";
import type { Clock } from "./clock.ts";
import { EtcdLockError, NotAvailableError } from "./errors.ts";
import type { EtcdClient } from "./etcd/etcd-client.ts";
import { type Etcd3Client, isEtcd3Client } from "./etcd/etcd3-client.ts";
import { onIdleExit } from "./exit-cleanup.ts";
import type { HeldLock } from "./held-lock.ts";
import { HeldLocks } from "./held-locks.ts";
import { Leadership } from "./leadership.ts";
import { breakHold } from "./line/break-hold.ts";
import { inspectLine, type Line } from "./line/inspect-line.ts";
import type { LineName } from "./line/line-name.ts";
import { listLines } from "./line/list-lines.ts";
import { type Leader, readLeader } from "./line/read-leader.ts";
import type { Patience } from "./line/wait-for-turn.ts";
import { watchLine } from "./line/watch-line.ts";
import { LockEvents } from "./lock-events.ts";
import {
  type ElectOptions,
  type LockManagerOptions,
  type LockManagerSettings,
  resolveSettings,
  type WatchOptions,
} from "./lock-manager-options.ts";
import { checkName, checkNames, checkOptions, checkSignal, checkString } from "./lock-options.ts";
import { connectTo, type Platform, realPlatform } from "./platform.ts";
import { SessionPool } from "./session/session-pool.ts";
import { show } from "./show.ts";
import type { LockGrantedCallback, LockRequestArguments, LockRequestOptions } from "./web-locks/lock-request.ts";
import type { LockManagerSnapshot } from "./web-locks/snapshot.ts";
import { WebLocks } from "./web-locks/web-locks.ts";
import { workAndRelease } from "./work-and-release.ts";

/**
 * Any number of locks over one connection and one session. Held locks keep the process alive; an idle manager does not.
 */
export class LockManager extends LockEvents implements AsyncDisposable {
  readonly #client: EtcdClient;
  readonly #clock: Clock;
  readonly #pool: SessionPool;
  readonly #defaults: AcquireDefaults;
  readonly #closed = new Scope();
  readonly #context: AcquisitionContext;
  readonly #waits = new Set<Promise<unknown>>();
  readonly #locks = new Set<HeldLock>();
  readonly #webLocks = new WebLocks(this);
  readonly #stopListening: () => void;
  #closing: Promise<void> | undefined;

  /** @throws TypeError, RangeError that name the option, what came and what is allowed. */
  constructor(options: LockManagerOptions);
  /** Over the connections of a client of the package `etcd3`, which stays as it is, and open when the manager is closed. */
  constructor(etcd: Etcd3Client, settings?: LockManagerSettings);
  /** @internal */
  constructor(options: LockManagerOptions, platform: Platform);
  constructor(etcd: LockManagerOptions | Etcd3Client, more: LockManagerSettings | Platform = {}) {
    super();
    const platform = "connect" in checkOptions(more) ? (more as Platform) : realPlatform;
    this.#clock = platform.clock;
    this.#client = connectTo(etcd, platform);
    this.#defaults = resolveSettings(isEtcd3Client(etcd) ? (more as LockManagerSettings) : etcd);
    const onRenewalFailed = (error: Error): void => this.tell("renewalFailed", { error });
    this.#pool = new SessionPool({ client: this.#client, clock: this.#clock, onRenewalFailed });
    this.#context = {
      clock: this.#clock,
      pool: this.#pool,
      closed: this.#closed,
      locks: this.#locks,
      listener: {
        onRenewed: (lock) => this.tell("renewed", { lock }),
        onAtRisk: (lock) => this.tell("atRisk", { lock, remaining: lock.remaining }),
        onLost: (lock, error) => this.tell("lost", { lock, error }),
        onReleased: (lock, heldFor) => {
          this.#locks.delete(lock);
          this.tell("released", { lock, heldFor });
        },
      },
      inspect: (name) => this.inspect(name),
      tell: (name, payload) => this.tell(name, payload),
    };
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
    return await workAndRelease<Promise<T> | T>(await this.acquire(name, options), work);
  }

  /**
   * `request` of the Web Locks standard, as `navigator.locks` has it: runs `callback` while holding the lock `name`, and
   * settles as it does, after the lock has been given back. When the lock is lost it rejects at once: with an `AbortError`
   * when it was stolen or broken, with the `LockLostError` when it ran out; `lock.signal` tells the callback.
   *
   * Two differences, for the sake of safety: a lock that is stolen is granted only when its holder has stopped, or has been
   * outlived, and after those who waited already; and foreign holders, who could not be told, are not stolen from.
   *
   * @throws TypeError; `DOMException`: NotSupportedError; as {@link LockManager.acquire} and {@link HeldLock.release}.
   */
  async request<T>(name: string, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  async request<T>(name: string, options: LockRequestOptions, callback: LockGrantedCallback<T>): Promise<Awaited<T>>;
  async request<T>(name: string, ...rest: LockRequestArguments<T>): Promise<Awaited<T>> {
    return await this.#webLocks.request(name, rest);
  }

  /**
   * `query` of the Web Locks standard: who holds and who waits, anywhere, for the names that `request` of this manager is
   * being asked for, or was lately (the last 256). {@link LockManager.list} tells of others.
   *
   * @throws as {@link LockManager.inspect}.
   */
  async query(): Promise<LockManagerSnapshot> {
    return await this.#webLocks.query();
  }

  /**
   * Takes the lock `name` away from exactly the holder with this fencing token, who is told. The next in line enters when
   * that holder has stopped, or has been outlived. Resolves with whether there was such a holder.
   *
   * @throws EtcdUnavailableError, EtcdRefusedError; TypeError.
   */
  async breakLock(name: string, options: { readonly fencingToken: bigint }): Promise<boolean> {
    const { fencingToken } = checkOptions(options);
    if (typeof fencingToken !== "bigint") {
      throw new TypeError(`fencingToken must be a bigint; got ${show(fencingToken)}`);
    }
    return await breakHold(this.#client, checkName(name), fencingToken, {
      timeoutMs: this.#defaults.connectTimeoutMs,
    });
  }

  /** Who holds `name` and who waits for it, in order; read linearizably. @throws EtcdUnavailableError, EtcdRefusedError. */
  async inspect(name: string): Promise<Line> {
    return await inspectLine(this.#client, checkName(name), { timeoutMs: this.#defaults.connectTimeoutMs });
  }

  /**
   * How long an etcd lease has left, in seconds; `undefined` when it is gone. For the `leaseId` of a {@link LineEntry}.
   *
   * @throws EtcdUnavailableError, EtcdRefusedError; TypeError.
   */
  async leaseTtlLeft(leaseId: bigint): Promise<number | undefined> {
    if (typeof leaseId !== "bigint") throw new TypeError(`leaseId must be a bigint; got ${show(leaseId)}`);
    const seconds = await this.#client.leaseTtlLeft(leaseId, { timeoutMs: this.#defaults.connectTimeoutMs });
    return seconds < 0 ? undefined : seconds;
  }

  /** Every line whose name begins with `prefix`, by name. @throws as {@link LockManager.inspect}. */
  async list(prefix: string): Promise<readonly Line[]> {
    return await listLines(this.#client, checkString("prefix", prefix), { timeoutMs: this.#defaults.connectTimeoutMs });
  }

  /** The line `name`, now and whenever it changes, until the iteration is left or `signal` aborts. */
  watch(name: string, options: WatchOptions = {}): AsyncGenerator<Line, void, undefined> {
    const line = checkName(name);
    const read = (signal: Signal): Promise<Line> =>
      inspectLine(this.#client, line, { timeoutMs: Number.POSITIVE_INFINITY, signal });
    return this.#watch(line, options, read);
  }

  /**
   * Stands for election with `value`, and resolves when we lead. Candidates of Go's `Election` and `etcdctl elect` take
   * part. @throws as {@link LockManager.acquire}.
   */
  async elect(name: string, election: ElectOptions): Promise<Leadership> {
    const { value, ...options } = checkOptions(election);
    const proposal = checkString("value", value);
    const [lock] = await this.#take([checkName(name)], "wait", options, proposal);
    if (lock === undefined) throw new TypeError("one name gives one lock");
    return new Leadership(lock);
  }

  /** Who leads the election `name`; `null` when nobody does for certain. @throws as {@link LockManager.inspect}. */
  async leader(name: string): Promise<Leader | null> {
    return await readLeader(this.#client, checkName(name), { timeoutMs: this.#defaults.connectTimeoutMs });
  }

  /** Who leads the election `name`, now and whenever leader or proclamation change; `null` between two leaders. */
  observe(name: string, options: WatchOptions = {}): AsyncGenerator<Leader | null, void, undefined> {
    const line = checkName(name);
    const read = (signal: Signal): Promise<Leader | null> =>
      readLeader(this.#client, line, { timeoutMs: Number.POSITIVE_INFINITY, signal });
    return this.#watch(line, options, read);
  }

  /**
   * Leaves every line, gives back every lock, ends the leases and the connection.
   *
   * @throws EtcdUnavailableError when etcd did not answer: then everything ends with its lease.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    this.#closed.abort(new EtcdLockError("CLOSED", "the lock manager has been closed"));
    this.#stopListening();
    // One by one: they travel together, as many at a time as etcd takes in a transaction.
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
    await lock.moveTo(await this.#pool.take(ttl, this.#defaults.connectTimeoutMs, this.#closed));
  }

  async *#watch<T>(
    line: LineName,
    options: WatchOptions,
    read: (signal: Signal) => Promise<T>,
  ): AsyncGenerator<T, void, undefined> {
    using scope = new Scope(this.#closed, checkSignal(checkOptions(options).signal));
    yield* watchLine(this.#client, this.#clock, line, scope, () => read(scope));
  }

  #take(
    lines: readonly LineName[],
    patience: Patience,
    options: AcquireOptions,
    proposal?: string,
  ): Promise<readonly HeldLock[]> {
    this.#closed.throwIfAborted();
    const wait = takeLocks(this.#context, lines, patience, resolveAcquire(options, this.#defaults, proposal));
    this.#waits.add(wait);
    const forget = (): unknown => this.#waits.delete(wait);
    wait.then(forget, forget);
    return wait;
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
