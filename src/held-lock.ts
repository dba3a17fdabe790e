import type { Alarm, Clock } from "./clock.ts";
import { DeadlineAlarm } from "./deadline-alarm.ts";
import { formatDurationMs } from "./duration.ts";
import { EtcdUnavailableError, LockLostError, type LossReason, NotHeldError } from "./errors.ts";
import type { Admission } from "./line/entry.ts";
import { Hold } from "./line/hold.ts";
import { entryDeleted } from "./line/hold-transactions.ts";
import type { Session } from "./session/session.ts";

/** What a lock tells its manager. */
export interface HeldLockListener {
  onRenewed(lock: HeldLock): void;
  onLost(lock: HeldLock, error: LockLostError): void;
  /** The lock has been given back, or what was left of it has been cleaned up. */
  onReleased(lock: HeldLock): void;
}

type State =
  | { readonly kind: "held" }
  | { readonly kind: "lost"; readonly error: LockLostError; readonly cleanup: Alarm }
  | { readonly kind: "released" };

/** How long a release tries, in milliseconds. */
const releaseTimeoutMs = 4_500;

/** One acquisition of a lock: held until it is released, or lost. Made by a `LockManager`. */
export class HeldLock implements AsyncDisposable {
  readonly #hold: Hold;
  readonly #listener: HeldLockListener;
  readonly #alarm: DeadlineAlarm;
  readonly #controller = new AbortController();
  #state: State = { kind: "held" };
  #release: Promise<boolean> | undefined;

  /** @internal */
  constructor(admission: Admission, refreshIntervalMs: number, listener: HeldLockListener) {
    this.#listener = listener;
    this.#hold = new Hold(admission, refreshIntervalMs, {
      onRenewed: () => this.#renewed(),
      onLost: (reason, explanation) => this.#lose(reason, explanation),
    });
    this.#alarm = new DeadlineAlarm(
      this.#clock,
      () => this.#hold.deadline,
      () => this.#checkDeadline(),
    );
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
    return this.#controller.signal;
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
   */
  async renew(options: { readonly refreshInterval?: number } = {}): Promise<void> {
    this.#assertNotOver();
    this.#hold.refreshIntervalMs = options.refreshInterval ?? this.#hold.refreshIntervalMs;
    const startedAt = this.#clock.now();
    await this.#hold.session.renew();
    this.#assertNotOver();
    if (this.#hold.provedAt >= startedAt) return;
    const left = formatDurationMs(this.remaining);
    throw new EtcdUnavailableError(
      `lock ${JSON.stringify(this.name)} could not be renewed now; it is certain for another ${left}`,
      [],
    );
  }

  /** Moves the lock to the leases of another session, with another TTL, without leaving the line. @internal */
  async moveTo(session: Session): Promise<void> {
    this.#assertNotOver();
    await this.#hold.moveTo(session, {
      timeoutMs: releaseTimeoutMs,
      tryTimeoutMs: session.tryTimeoutMs,
      signal: this.signal,
    });
    this.#assertNotOver();
  }

  /**
   * Gives the lock back. `true` when it was held until then; `false` when it turns out, or was known, to be lost. After a
   * loss: call it when nobody is inside any more, so
   * that the next in line need not wait until that is certain. Called again, it gives the same answer.
   *
   * @throws EtcdUnavailableError within 5 s when etcd does not answer: not held any more, and freed when etcd comes back,
   * or by time. EtcdRefusedError.
   */
  release(): Promise<boolean> {
    this.#checkDeadline();
    this.#release ??= this.#releaseOnce();
    return this.#release;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  get #clock(): Clock {
    return this.#hold.session.clock;
  }

  async #releaseOnce(): Promise<boolean> {
    try {
      return await (this.#state.kind === "lost" ? this.#cleanUp(this.#state.cleanup) : this.#giveBack());
    } finally {
      this.#listener.onReleased(this);
    }
  }

  async #giveBack(): Promise<boolean> {
    this.#end({ kind: "released" });
    try {
      const isOurs = (await this.#hold.leave({ timeoutMs: releaseTimeoutMs })) === "left";
      if (!isOurs) this.#tell(this.#lossError(...entryDeleted));
      return isOurs;
    } catch (error) {
      if (!(error instanceof EtcdUnavailableError)) throw error;
      const until = new Date(Date.now() + this.ttl * 1_000).toISOString();
      throw new EtcdUnavailableError(
        `lock ${JSON.stringify(this.name)} could not be released: ${error.message}. Its lease ends by ${until}, ` +
          "or one TTL after etcd is back",
        error.failures,
        { cause: error },
      );
    }
  }

  async #cleanUp(alarm: Alarm): Promise<boolean> {
    alarm.cancel();
    // What cannot be removed now is removed when etcd is back, or ends by itself.
    await this.#hold.leave({ timeoutMs: releaseTimeoutMs }).catch(() => {});
    return false;
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
    this.#controller.abort(error);
    this.#listener.onLost(this, error);
  }

  #end(state: State): void {
    this.#state = state;
    this.#alarm.cancel();
    this.#hold.stop();
  }

  #assertNotOver(): void {
    this.#checkDeadline();
    if (this.#state.kind === "lost") throw this.#state.error;
    if (this.#state.kind === "released") throw new NotHeldError(`lock ${JSON.stringify(this.name)} has been released`);
  }
}
