import { randomBytes } from "node:crypto";
import { Bell } from "../bell.ts";
import type { Clock } from "../clock.ts";
import { DeadlineAlarm, type Due } from "../deadline-alarm.ts";
import { formatDurationMs } from "../duration.ts";
import { EtcdUnavailableError, LockLostError, NotHeldError } from "../errors.ts";
import type { ProvidedLock } from "../lock-provider.ts";
import { ClockJump } from "../session/clock-jump.ts";
import { holdTimeMs, renewalIntervalMs, riskTimeMs, tryTimeoutMs } from "../session/deadline.ts";
import type { V2Admission } from "./enter-v2.ts";
import type { V2Client } from "./v2-client.ts";
import { entryGone, type V2Entry, type V2Loss } from "./v2-entry.ts";
import { watchV2 } from "./watch-v2.ts";

/** What a lock tells its provider. */
export interface V2HeldLockListener {
  onRenewed(): void;
  /** Half the TTL has passed, and time for a try, without a renewal: not lost yet. */
  onAtRisk(): void;
  onRenewalFailed(error: Error): void;
  /** The lock has been given back. */
  onReleased(): void;
}

export interface V2HeldLockOptions {
  /** What the caller calls the lock. */
  readonly name: string;
  /** In seconds. */
  readonly ttl: number;
  readonly refreshIntervalMs: number;
}

type State =
  | { readonly kind: "held" }
  | { readonly kind: "lost"; readonly error: LockLostError }
  | { readonly kind: "released" };

/** How long a release tries, in milliseconds. */
const releaseTimeoutMs = 4_500;
/** After a renewal that failed, so long passes before the next try, in milliseconds. */
const failurePauseMs = 250;

/** One acquisition of a lock on etcd's v2 API: held until it is released, or lost. */
export class V2HeldLock implements ProvidedLock {
  /** There is no lease here: a number that no other hold has, for those who need to tell them apart. */
  readonly leaseId: bigint = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
  readonly #entry: V2Entry;
  readonly #clock: Clock;
  readonly #name: string;
  readonly #listener: V2HeldLockListener;
  readonly #alarm: DeadlineAlarm;
  readonly #due: Due;
  readonly #bell: Bell;
  readonly #clockJump: ClockJump;
  readonly #controller = new AbortController();
  /** Aborts when the lock is not held any more, for whatever reason. */
  readonly #over = new AbortController();
  readonly #renewalRequests: (() => void)[] = [];
  #state: State = { kind: "held" };
  #ttl: number;
  #refreshIntervalMs: number;
  /** When the last write that etcd has confirmed was sent. */
  #provedAt: number;
  #deadline: number;
  /** The proof whose growing old has been told. */
  #toldRiskOf = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  #release: Promise<boolean> | undefined;

  constructor(
    client: V2Client,
    clock: Clock,
    { entry, sentAt }: V2Admission,
    options: V2HeldLockOptions,
    listener: V2HeldLockListener,
  ) {
    this.#entry = entry;
    this.#clock = clock;
    this.#name = options.name;
    this.#ttl = options.ttl;
    this.#refreshIntervalMs = options.refreshIntervalMs;
    this.#listener = listener;
    this.#provedAt = sentAt;
    this.#deadline = sentAt + holdTimeMs(options.ttl);
    this.#bell = new Bell(clock);
    this.#clockJump = new ClockJump(clock);
    const dueAt = (): number => this.#tellAt;
    this.#due = {
      get dueAt() {
        return dueAt();
      },
      onDue: () => this.#onDue(),
    };
    this.#alarm = new DeadlineAlarm(clock, true);
    this.#alarm.add(this.#due);
    void this.#keepRenewed();
    void watchV2(client, clock, entry, this.#over.signal, {
      onLost: (loss) => this.#lose(loss),
      onDoubt: () => this.#renewNow(),
    });
  }

  /** Grows from holder to holder of this key: the index at which the entry was made. */
  get fencingToken(): bigint {
    return BigInt(this.#entry.createdIndex);
  }

  get ttl(): number {
    return this.#ttl;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get held(): boolean {
    this.#checkDeadline();
    return this.#state.kind === "held" && this.#provedAt > this.#clockJump.noticedAt();
  }

  get remaining(): number {
    return this.held ? this.#deadline - this.#clock.now() : 0;
  }

  /** @throws LockLostError; NotHeldError; EtcdUnavailableError when it could not be proved now: the lock is still held. */
  async renew(options: { readonly refreshInterval?: number } = {}): Promise<void> {
    this.#assertNotOver();
    this.#refreshIntervalMs = options.refreshInterval ?? this.#refreshIntervalMs;
    const startedAt = this.#clock.now();
    await this.#renewNow();
    this.#assertNotOver();
    if (this.#provedAt >= startedAt) return;
    const left = formatDurationMs(this.remaining);
    throw new EtcdUnavailableError(
      `lock ${this.#shown} could not be renewed now; it is certain for another ${left}`,
      [],
    );
  }

  /** Another TTL, in seconds, from now on. @throws as {@link V2HeldLock.renew}. */
  async changeTtl(ttl: number): Promise<void> {
    this.#assertNotOver();
    this.#ttl = ttl;
    await this.renew();
  }

  /**
   * Gives the lock back. `true` when it was held until then; `false` when it turns out, or was known, to be lost. Called
   * again, it gives the same answer.
   *
   * @throws EtcdUnavailableError within 5 s when etcd does not answer: not held any more, and free when its TTL has passed.
   */
  release(): Promise<boolean> {
    this.#release ??= this.#releaseOnce();
    return this.#release;
  }

  async #releaseOnce(): Promise<boolean> {
    this.#checkDeadline();
    const wasHeld = this.#state.kind === "held";
    if (wasHeld) this.#end({ kind: "released" });
    try {
      const wasOurs = await this.#entry.remove({ timeoutMs: releaseTimeoutMs, tryTimeoutMs: tryTimeoutMs(this.#ttl) });
      if (wasHeld && !wasOurs) this.#controller.abort(this.#lossError(entryGone));
      return wasHeld && wasOurs;
    } catch (error) {
      if (!wasHeld) return false;
      throw error instanceof EtcdUnavailableError ? this.#explainStuckRelease(error) : error;
    } finally {
      this.#listener.onReleased();
    }
  }

  #explainStuckRelease(error: EtcdUnavailableError): EtcdUnavailableError {
    const until = new Date(Date.now() + this.#ttl * 1_000).toISOString();
    return new EtcdUnavailableError(
      `lock ${this.#shown} could not be released; its key expires by ${until}: ${error.message}`,
      error.failures,
      { cause: error },
    );
  }

  get #shown(): string {
    return JSON.stringify(this.#name);
  }

  async #keepRenewed(): Promise<void> {
    while (this.#state.kind === "held") {
      const dueAt = this.#renewalRequests.length > 0 ? Number.NEGATIVE_INFINITY : this.#dueAt();
      const waitMs = Math.max(dueAt, this.#notBefore) - this.#clock.now();
      if (waitMs > 0) await this.#bell.wait(waitMs, this.#over.signal).catch(() => {});
      else await this.#renewOnce();
    }
  }

  #dueAt(): number {
    const doubtedAt = this.#clockJump.noticedAt();
    return this.#provedAt > doubtedAt
      ? this.#provedAt + renewalIntervalMs(this.#refreshIntervalMs, this.#ttl)
      : doubtedAt;
  }

  /** Resolves after the try, whether or not it succeeded. */
  #renewNow(): Promise<void> {
    if (this.#state.kind !== "held") return Promise.resolve();
    return new Promise((resolve) => {
      this.#renewalRequests.push(resolve);
      this.#bell.ring();
    });
  }

  async #renewOnce(): Promise<void> {
    const requests = this.#renewalRequests.splice(0);
    const ttl = this.#ttl;
    // A shorter TTL may count from now on, even if we should not learn of it.
    this.#moveDeadline(Math.min(this.#deadline, this.#clock.now() + holdTimeMs(ttl)));
    try {
      await this.#tryRenewal(ttl);
    } catch (error) {
      if (this.#state.kind === "held") {
        this.#listener.onRenewalFailed(error instanceof Error ? error : new Error(String(error)));
      }
      this.#notBefore = this.#clock.now() + failurePauseMs;
    }
    for (const resolve of requests) resolve();
  }

  async #tryRenewal(ttl: number): Promise<void> {
    const oneTryMs = tryTimeoutMs(ttl);
    // No longer than two tries: what is due is looked at anew after each failure.
    const options = { signal: this.#over.signal, timeoutMs: oneTryMs * 2, tryTimeoutMs: oneTryMs };
    const renewal = await this.#entry.renew(ttl, options);
    this.#checkDeadline();
    if (this.#state.kind !== "held") return;
    if (renewal.kind === "lost") {
      this.#lose(renewal);
      return;
    }
    this.#provedAt = renewal.sentAt;
    this.#moveDeadline(renewal.sentAt + holdTimeMs(ttl));
    this.#listener.onRenewed();
  }

  #moveDeadline(deadline: number): void {
    if (deadline === this.#deadline) return;
    this.#deadline = deadline;
    this.#alarm.lookAt(this.#due);
  }

  /** When it is at risk, or, once that has been told, when its deadline passes. */
  get #tellAt(): number {
    if (this.#provedAt <= this.#toldRiskOf) return this.#deadline;
    return Math.min(this.#deadline, this.#provedAt + riskTimeMs(this.#ttl));
  }

  #onDue(): void {
    if (this.#deadline <= this.#clock.now()) this.#checkDeadline();
    else {
      this.#toldRiskOf = this.#provedAt;
      this.#listener.onAtRisk();
    }
  }

  /** A deadline that was seen to have passed is a loss, even if the answer to a renewal should come in late. */
  #checkDeadline(): void {
    if (this.#state.kind !== "held" || this.#clock.now() < this.#deadline) return;
    const age = formatDurationMs(this.#clock.now() - this.#provedAt);
    this.#lose({ reason: "deadline", explanation: `no renewal was proved for ${age}` });
  }

  #lose(loss: V2Loss): void {
    if (this.#state.kind !== "held") return;
    const error = this.#lossError(loss);
    this.#end({ kind: "lost", error });
    this.#controller.abort(error);
  }

  #lossError({ reason, explanation }: V2Loss): LockLostError {
    const { id } = this.#entry.name;
    return new LockLostError({ key: this.#name, id, fencingToken: this.fencingToken, reason, explanation });
  }

  #end(state: State): void {
    this.#state = state;
    this.#alarm.remove(this.#due);
    this.#over.abort(new Error("the lock is over"));
    for (const resolve of this.#renewalRequests.splice(0)) resolve();
  }

  #assertNotOver(): void {
    this.#checkDeadline();
    if (this.#state.kind === "lost") throw this.#state.error;
    if (this.#state.kind === "released") throw new NotHeldError(`lock ${this.#shown} has been released`);
  }
}
