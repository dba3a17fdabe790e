import { Scope } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { DeadlineAlarm } from "../deadline-alarm.ts";
import type { LossReason } from "../errors.ts";
import type { EtcdClient } from "../etcd/etcd-client.ts";
import { type Chore, Chores } from "./chores.ts";
import { tryTimeoutMs } from "./deadline.ts";
import { grantLeasePair, type LeasePair } from "./lease-pair.ts";
import type { Renewable } from "./renewable.ts";
import { Renewal } from "./renewal.ts";
import { SessionEndedError } from "./session-ended-error.ts";
import { Suffixes } from "./suffixes.ts";

export interface SessionOptions {
  /** The TTL asked for, in seconds; etcd may grant more. */
  readonly ttl: number;
  /** Ends the opening, which goes on as long as it takes. */
  readonly signal: Scope;
  /** Told of each try to open that got no answer. */
  readonly onFailedTry: (endpoint: string, message: string) => void;
  /** Told of each renewal that was tried and failed. */
  readonly onRenewalFailed: (error: Error) => void;
  /** Told when the last place on these leases has been given back. */
  readonly onIdle: () => void;
}

/**
 * A pair of leases that is kept alive, and shared by any number of locks. While anybody uses it, it is renewed: the lease
 * by keepalive, the holds by touching their records. It ends when its lease does, or when closed.
 */
export class Session {
  readonly client: EtcdClient;
  readonly clock: Clock;
  /** The granted TTL, in seconds. */
  readonly ttl: number;
  readonly leaseId: bigint;
  readonly recordLeaseId: bigint;
  /** Aborts with a {@link SessionEndedError} when the session has ended. */
  readonly ended: Scope = new Scope();
  /** Of the holds: they keep the process alive. */
  readonly deadlines: DeadlineAlarm;
  /** When the holds that go on are to be watched. */
  readonly watchDelays: DeadlineAlarm;
  readonly #suffixes: Suffixes;
  readonly #chores = new Chores();
  readonly #renewal: Renewal;
  readonly #onIdle: () => void;

  private constructor(client: EtcdClient, clock: Clock, leases: LeasePair, options: SessionOptions) {
    this.client = client;
    this.clock = clock;
    this.ttl = leases.granted.ttl;
    this.leaseId = leases.entries;
    this.recordLeaseId = leases.records;
    this.deadlines = new DeadlineAlarm(clock, true);
    this.watchDelays = new DeadlineAlarm(clock, false);
    this.#onIdle = options.onIdle;
    this.#suffixes = new Suffixes(leases.entries);
    this.#renewal = new Renewal({
      client,
      clock,
      leases,
      suffixes: this.#suffixes,
      chores: this.#chores,
      ended: this.ended,
      end: (reason, explanation) => this.end(reason, explanation),
      onRenewalFailed: options.onRenewalFailed,
    });
  }

  /** Gets a pair of leases. @throws EtcdRefusedError, the signal's reason. */
  static async open(client: EtcdClient, clock: Clock, options: SessionOptions): Promise<Session> {
    const { ttl, signal, onFailedTry } = options;
    const timeoutMs = Number.POSITIVE_INFINITY;
    const call = { signal, timeoutMs, tryTimeoutMs: tryTimeoutMs(ttl), onFailedTry };
    const leases = await grantLeasePair(client, ttl, call);
    return new Session(client, clock, leases, options);
  }

  /** When the last answered keepalive of the lease was sent. */
  get renewedAt(): number {
    return this.#renewal.renewedAt;
  }

  /** When the clocks were last seen to jump: what was proved before that is in doubt. */
  get doubtedAt(): number {
    return this.#renewal.doubtedAt;
  }

  /** Whether anybody stands in a line, or holds a lock, on these leases. */
  get isInUse(): boolean {
    return this.#suffixes.isAnyActive;
  }

  /** Whether nothing of ours that matters to anybody is bound to these leases. */
  get isIdle(): boolean {
    return this.#suffixes.isEmpty;
  }

  /** How long one endpoint may take for one try of a call on behalf of this session, in milliseconds. */
  get tryTimeoutMs(): number {
    return tryTimeoutMs(this.ttl);
  }

  /** A suffix for the keys of one place in `line`: the lease's id, and a number for all but the first. */
  takeSuffix(line: string): string {
    return this.#suffixes.take(line);
  }

  /** Whether somebody of ours stands in a line, or holds a lock, with this suffix. */
  owns(suffix: string): boolean {
    return this.#suffixes.isActive(suffix);
  }

  /** Keys with this suffix, perhaps of another session, are being bound to these leases. */
  adoptSuffix(suffix: string): void {
    this.#suffixes.adopt(suffix);
  }

  /** A lock has been lost whose owner may still be inside: its keys are left alone, and nothing waits for it. */
  parkSuffix(suffix: string): void {
    this.#suffixes.park(suffix);
  }

  /** The keys with this suffix are gone, or nobody's: {@link Session.expectGhosts}. */
  returnSuffix(suffix: string): void {
    this.#suffixes.giveBack(suffix);
    if (this.isIdle) this.#onIdle();
  }

  /** As {@link Session.returnSuffix}; and another place in `line` may have it: {@link Suffixes.giveBackClean}. */
  returnCleanSuffix(suffix: string, line: string): void {
    this.#suffixes.giveBackClean(suffix, line);
    if (this.isIdle) this.#onIdle();
  }

  /** Keys bound to our leases may be there, or appear at any time from now on, that belong to nobody. */
  expectGhosts(): void {
    this.#renewal.expectGhosts();
  }

  /** Has something done as soon as etcd does it, by {@link Session.close} at the latest, or abandoned with the session's end. */
  addChore(chore: Chore): void {
    if (this.ended.aborted) {
      chore.abandon();
      return;
    }
    this.#chores.add(chore);
    this.#renewal.expectChores();
  }

  addHold(hold: Renewable): void {
    const ended: unknown = this.ended.reason;
    // In a moment: whoever adds a hold may be only making it.
    if (ended instanceof SessionEndedError) queueMicrotask(() => hold.onSessionEnd(ended.reason, ended.message));
    else this.#renewal.add(hold);
  }

  removeHold(hold: Renewable): void {
    this.#renewal.remove(hold);
  }

  /** Renews the lease and every hold now. Resolves after the try, whether or not it succeeded. */
  async renew(): Promise<void> {
    if (!this.ended.aborted) await this.#renewal.renew();
  }

  /** Ends the session, for good. Its leases, if they still are, are left to {@link Session.close} or to time. */
  end(reason: LossReason, explanation: string): void {
    if (this.ended.aborted) return;
    this.#stop(reason, explanation);
    this.#chores.abandon();
  }

  /**
   * Ends the session and its leases, and so all keys bound to them; gives up after `timeoutMs`. Where a chore cannot be done,
   * the leases are left to time: what it is about stays as long as they do.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#stop("lease-ended", "the session was closed");
    const options = { timeoutMs, tryTimeoutMs: this.tryTimeoutMs };
    if (!(await this.#chores.carryOut(options))) return;
    const leases = [this.leaseId, this.recordLeaseId];
    await Promise.all(leases.map((id) => this.client.revokeLease(id, options)));
  }

  #stop(reason: LossReason, explanation: string): void {
    if (this.ended.aborted) return;
    this.ended.abort(new SessionEndedError(reason, explanation));
    for (const hold of this.#renewal.removeAll()) hold.onSessionEnd(reason, explanation);
  }
}
