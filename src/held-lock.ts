import { Scope } from "./abort.ts";
import type { Alarm, Clock } from "./clock.ts";
import { formatDurationMs } from "./duration.ts";
import { EtcdUnavailableError, LockLostError, type LossReason, NotHeldError } from "./errors.ts";
import type { OperationResult } from "./etcd/etcd-client.ts";
import { HeldRequests } from "./held-requests.ts";
import { checkGuarded } from "./line/check-guarded.ts";
import { type Admission, recordKey } from "./line/entry.ts";
import type { JsonValue } from "./line/entry-value.ts";
import { Hold, type HoldListener } from "./line/hold.ts";
import { entryDeleted, type Guarded } from "./line/hold-transactions.ts";
import type { EndingHold } from "./line/kept-entry.ts";
import { leaveHold, leaveHolds } from "./line/leave-holds.ts";
import type { Left } from "./line/leave-lines.ts";
import { checkMetadata, checkNonEmptyString, checkOptions, checkRefreshInterval, checkString } from "./lock-options.ts";
import type { Session } from "./session/session.ts";

/** What locks tell their manager. */
export interface HeldLockListener {
  onRenewed(lock: HeldLock): void;
  onAtRisk(lock: HeldLock): void;
  onLost(lock: HeldLock, error: LockLostError): void;
  /** The lock has been given back `heldFor` milliseconds after it was taken, or what was left of it has been cleaned up. */
  onReleased(lock: HeldLock, heldFor: number): void;
}

/** `shared` locks are held together, an `exclusive` one alone (or, as a semaphore, with a number of others). */
export type LockMode = "exclusive" | "shared";

/** While `key` has this create revision, the lock is held. */
export interface Guard {
  readonly key: string;
  readonly createRevision: bigint;
}

/** How a lock is held. */
export interface HeldLockOptions {
  /** How often it is renewed, in milliseconds. */
  readonly refreshIntervalMs: number;
  /** For how long nobody else gets it, at least, in milliseconds. */
  readonly atLeastMs: number;
}

type State =
  | { readonly kind: "held" }
  | { readonly kind: "lost"; readonly error: LockLostError; readonly cleanup: Alarm }
  | { readonly kind: "released" };

/** How long a release tries, in milliseconds. */
const releaseOptions = { timeoutMs: 4_500 };

/** One acquisition of a lock: held until it is released, or lost. Made by a `LockManager`. */
export class HeldLock implements AsyncDisposable {
  static readonly #onHold: HoldListener<HeldLock> = {
    onRenewed: (lock) => lock.#renewed(),
    onAtRisk: (lock) => lock.#listener.onAtRisk(lock),
    onDeadline: (lock) => lock.#checkDeadline(),
    onLost: (lock, reason, explanation) => lock.#lose(reason, explanation),
  };

  readonly #hold: Hold;
  readonly #listener: HeldLockListener;
  readonly #heldAt: number;
  readonly #atLeastMs: number;
  readonly #lost = new Scope();
  #state: State = { kind: "held" };
  #release: Promise<boolean> | undefined;
  /** Most locks are only held. */
  #requests: HeldRequests | undefined;

  /** @internal */
  constructor(admission: Admission, options: HeldLockOptions, listener: HeldLockListener) {
    this.#listener = listener;
    this.#heldAt = admission.entry.session.clock.now();
    this.#atLeastMs = options.atLeastMs;
    this.#hold = new Hold(admission, options.refreshIntervalMs, this, HeldLock.#onHold);
  }

  /** What is locked. */
  get name(): string {
    return this.#hold.admission.entry.line.name;
  }

  /** Who we are, as people read it. */
  get id(): string {
    return this.#hold.admission.entry.value.id ?? "";
  }

  /** Grows from holder to holder of this name; give it along with every write that the lock protects. */
  get fencingToken(): bigint {
    return this.#hold.admission.fencingToken;
  }

  /** The revision of the entry: the place in line. Guards etcd transactions that were made for Go's and etcdctl's locks. */
  get createRevision(): bigint {
    return this.#hold.admission.entry.createRevision;
  }

  /** With how many others the lock can be held: `exclusive` alone, `shared` with any number of sharers. */
  get mode(): LockMode {
    return this.#hold.admission.entry.value.limit === Number.POSITIVE_INFINITY ? "shared" : "exclusive";
  }

  /** The etcd lease that the entry in the line is bound to. */
  get leaseId(): bigint {
    return this.#hold.session.leaseId;
  }

  /** The TTL that etcd granted, in seconds: perhaps more than was asked for. */
  get ttl(): number {
    return this.#hold.session.ttl;
  }

  /** Aborts with a `LockLostError` as its reason when the lock is lost: at the deadline at the latest. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Whether the lock is certainly held, right now: right also in the first line after the event loop was blocked or the
   * process stopped. False, too, while a jump of the clocks leaves it in doubt, until the next renewal is proved.
   */
  get held(): boolean {
    this.#checkDeadline();
    return this.#state.kind === "held" && this.#hold.provedAt > this.#hold.session.doubtedAt;
  }

  /** For how long the lock is certain without another renewal, in milliseconds; 0 when it is not held. */
  get remaining(): number {
    return this.held ? this.#hold.deadline - this.#clock.now() : 0;
  }

  /** @throws LockLostError when the lock is lost; NotHeldError when it was released, or is in doubt. */
  assertHeld(): void {
    if (this.held) return;
    this.#assertNotOver();
    throw new NotHeldError(`lock ${JSON.stringify(this.name)} is in doubt: the clocks of this machine have jumped`);
  }

  /**
   * Renews now, and resolves when that is proved. `refreshInterval`, in milliseconds, changes how often the lock is
   * renewed from now on.
   *
   * @throws LockLostError; NotHeldError; EtcdUnavailableError when it could not be proved now: the lock is still held.
   * TypeError, RangeError: an interval must be shorter than the TTL.
   */
  async renew(options: { readonly refreshInterval?: number | undefined } = {}): Promise<void> {
    const { refreshInterval } = checkOptions(options);
    const refreshIntervalMs =
      refreshInterval === undefined ? undefined : checkRefreshInterval(refreshInterval, this.ttl);
    if (await this.#asked.renew(refreshIntervalMs)) return;
    const left = formatDurationMs(this.remaining);
    throw new EtcdUnavailableError(
      `lock ${JSON.stringify(this.name)} could not be renewed now; it is certain for another ${left}`,
      [],
    );
  }

  /**
   * Asks etcd, linearizably, whether entry and hold record are still ours.
   *
   * @throws LockLostError when they are not; NotHeldError; EtcdUnavailableError, EtcdRefusedError: it could not be asked.
   */
  async verify(): Promise<void> {
    await this.transact({ compare: [], success: [] });
  }

  /** The condition under which this lock is held, for a transaction of the caller's own with any etcd client. */
  guard(): Guard {
    const { entry, fencingToken } = this.#hold.admission;
    return { key: recordKey(entry), createRevision: fencingToken };
  }

  /** Writes a key of the caller's, in one step with the proof that the lock is held. @throws as {@link HeldLock.transact}. */
  async put(key: string, value: string): Promise<void> {
    const put = { kind: "put", key: checkNonEmptyString("key", key), value: checkString("value", value) } as const;
    const results = await this.transact({ compare: [], success: [put] });
    if (results === undefined) throw new NotHeldError(`lock ${JSON.stringify(this.name)} is in doubt`);
  }

  /**
   * Carries out operations of the caller's if the lock is held and all of `compare` holds, in one step. Resolves with
   * their results, or with `undefined` when the lock is held and `compare` does not hold.
   *
   * @throws LockLostError, NotHeldError: nothing was done. EtcdUnavailableError: whether it was done is not known.
   * EtcdRefusedError. RangeError for a key that would itself stand in the line of this lock, for ever. TypeError.
   */
  async transact(guarded: Guarded): Promise<readonly OperationResult[] | undefined> {
    return await this.#asked.transact(checkGuarded(guarded));
  }

  /** Changes what others see of this owner; up to 8 KiB of JSON. @throws as {@link HeldLock.transact}; TypeError, RangeError. */
  async setMetadata(metadata: Readonly<Record<string, JsonValue>>): Promise<void> {
    const checked = checkMetadata(metadata);
    await this.#asked.rewrite(({ session, value }) => ({ session, value: { ...value, metadata: checked } }));
  }

  /** Changes what a candidate's entry says. @internal */
  async propose(proposal: string): Promise<void> {
    await this.#asked.rewrite(({ session, value }) => ({ session, value: { ...value, proposal } }));
  }

  /** Moves the lock to the leases of another session, with another TTL, without leaving the line. @internal */
  async moveTo(session: Session): Promise<void> {
    await this.#asked.rewrite(({ value }) => ({ session, value }));
  }

  /**
   * Gives the lock back. `true` when it was held until then; `false` when it turns out, or was known, to be lost. After a
   * loss: call it when nobody is inside any more, so that the next in line need not wait until that is certain. Called again, it gives the same answer.
   *
   * @throws EtcdUnavailableError within 5 s when etcd does not answer: not held any more, and freed when etcd comes back,
   * or by time. EtcdRefusedError.
   */
  release(): Promise<boolean> {
    if (this.#release === undefined) {
      const wasHeld = this.#stop();
      // Whoever was told of a loss just now may have released it.
      this.#release ??= this.#finishRelease(leaveHold(this.#ending(wasHeld), releaseOptions), wasHeld);
    }
    return this.#release;
  }

  /** Releases several locks that were taken in one step, in one transaction. Whether all of them were held until now. @internal */
  static async releaseAll(locks: readonly HeldLock[]): Promise<boolean> {
    const begun = locks
      .filter((lock) => lock.#release === undefined)
      .map((lock) => ({ lock, wasHeld: lock.#stop() }))
      .filter(({ lock }) => lock.#release === undefined);
    const left = leaveHolds(
      begun.map(({ lock, wasHeld }) => lock.#ending(wasHeld)),
      releaseOptions,
    );
    for (const [index, { lock, wasHeld }] of begun.entries()) {
      lock.#release = lock.#finishRelease(
        left.then((all) => all[index]),
        wasHeld,
      );
    }
    const outcomes = await Promise.all(locks.map((lock) => lock.#release));
    return outcomes.every((wasHeld) => wasHeld === true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** What etcd is asked for this lock while it is held. */
  get #asked(): HeldRequests {
    this.#requests ??= new HeldRequests(this.#hold, this.#lost, () => this.#assertNotOver());
    return this.#requests;
  }

  get #heldForMs(): number {
    return this.#clock.now() - this.#heldAt;
  }

  get #clock(): Clock {
    return this.#hold.session.clock;
  }

  /** Whether the lock was held until now. */
  #stop(): boolean {
    this.#checkDeadline();
    const wasHeld = this.#state.kind === "held";
    if (this.#state.kind === "lost") this.#state.cleanup.cancel();
    else this.#end({ kind: "released" });
    return wasHeld;
  }

  /** A lock that was held may have to be kept from others yet, though it is released. */
  #ending(wasHeld: boolean): EndingHold {
    return { hold: this.#hold, keepForMs: wasHeld ? Math.max(0, this.#atLeastMs - this.#heldForMs) : 0 };
  }

  async #finishRelease(left: Promise<Left | undefined>, wasHeld: boolean): Promise<boolean> {
    try {
      const isOurs = (await left) === "left";
      if (wasHeld && !isOurs) this.#tell(this.#lossError(...entryDeleted));
      return wasHeld && isOurs;
    } catch (error) {
      // What is left of a lock that was lost is removed when etcd is back, or ends by itself.
      if (!wasHeld) return false;
      throw error instanceof EtcdUnavailableError ? this.#explainStuckRelease(error) : error;
    } finally {
      this.#listener.onReleased(this, this.#heldForMs);
    }
  }

  #explainStuckRelease(error: EtcdUnavailableError): EtcdUnavailableError {
    const until = new Date(Date.now() + Math.max(this.ttl * 1_000, this.#atLeastMs - this.#heldForMs)).toISOString();
    return new EtcdUnavailableError(
      `lock ${JSON.stringify(this.name)} could not be released; its lease ends by ${until}, ` +
        `or one TTL after etcd is back: ${error.message}`,
      error.failures,
      { cause: error },
    );
  }

  #renewed(): void {
    this.#checkDeadline();
    if (this.#state.kind === "held") this.#listener.onRenewed(this);
  }

  /** A deadline that was seen to have passed is a loss, even if the proof of a renewal should come in late. */
  #checkDeadline(): void {
    if (this.#state.kind !== "held" || this.#clock.now() < this.#hold.deadline) return;
    this.#lose("deadline", `no renewal was proved for ${formatDurationMs(this.#clock.now() - this.#hold.provedAt)}`);
  }

  #lose(reason: LossReason, explanation: string): void {
    if (this.#state.kind !== "held") return;
    const error = this.#lossError(reason, explanation);
    // By then nobody waits for the orphan any longer, and what is left of it is only in the way.
    const cleanup = this.#clock.schedule(this.ttl * 1_000, () => void this.release(), false);
    this.#end({ kind: "lost", error, cleanup });
    this.#tell(error);
  }

  #lossError(reason: LossReason, explanation: string): LockLostError {
    const { name: key, id, fencingToken } = this;
    return new LockLostError({ key, id, fencingToken, reason, explanation });
  }

  #tell(error: LockLostError): void {
    this.#lost.abort(error);
    this.#listener.onLost(this, error);
  }

  #end(state: State): void {
    this.#state = state;
    this.#requests?.end();
    this.#hold.stop();
  }

  #assertNotOver(): void {
    this.#checkDeadline();
    if (this.#state.kind === "lost") throw this.#state.error;
    if (this.#state.kind === "released") throw new NotHeldError(`lock ${JSON.stringify(this.name)} has been released`);
  }
}
