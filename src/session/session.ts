import { sharedAbortController } from "../abort.ts";
import { Bell } from "../bell.ts";
import type { Clock } from "../clock.ts";
import { EtcdRefusedError, type LossReason } from "../errors.ts";
import type { CallOptions, EtcdClient, Header, LeaseAnswer } from "../etcd/etcd-client.ts";
import { ClockJump } from "./clock-jump.ts";
import { recordLeaseTtl, renewalIntervalMs, tryTimeoutMs } from "./deadline.ts";
import { removeGhosts } from "./ghosts.ts";
import { grantLeasePair, isLeaseThere, type LeasePair } from "./lease-pair.ts";
import type { Renewable } from "./renewable.ts";
import { SessionEndedError } from "./session-ended-error.ts";
import { touchHolds } from "./touch-holds.ts";

export interface SessionOptions {
  /** The TTL asked for, in seconds; etcd may grant more. */
  readonly ttl: number;
  /** Ends the opening, which goes on as long as it takes. */
  readonly signal: AbortSignal;
  /** Told of each try to open that got no answer. */
  readonly onFailedTry: (endpoint: string, message: string) => void;
  /** Told of each renewal that was tried and failed. */
  readonly onRenewalFailed: (error: Error) => void;
  /** Told when the last place on these leases has been given back. */
  readonly onIdle: () => void;
}

/** After a renewal that failed, so long passes before the next try, in milliseconds. */
const failurePauseMs = 250;
/** Between two renewals, in milliseconds. */
const leastPauseMs = 5;

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
  readonly #clusterId: bigint;
  readonly #onRenewalFailed: (error: Error) => void;
  readonly #onIdle: () => void;
  readonly #end = sharedAbortController();
  readonly #bell: Bell;
  readonly #clockJump: ClockJump;
  readonly #holds = new Set<Renewable>();
  readonly #active = new Set<string>();
  readonly #parked = new Set<string>();
  readonly #renewalRequests: (() => void)[] = [];
  #suffixCount = 0;
  #renewedAt: number;
  #touchRevision = 0n;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Once there may have been ghosts, each renewal looks for them. */
  #ghosts: "none" | "sweep-now" | "swept" = "none";
  #plannedIntervalMs = Number.POSITIVE_INFINITY;

  private constructor(client: EtcdClient, clock: Clock, leases: LeasePair, options: SessionOptions) {
    this.client = client;
    this.clock = clock;
    this.ttl = leases.granted.ttl;
    this.leaseId = leases.entries;
    this.recordLeaseId = leases.records;
    this.#clusterId = leases.granted.header.clusterId;
    this.#onRenewalFailed = options.onRenewalFailed;
    this.#onIdle = options.onIdle;
    this.#renewedAt = leases.granted.sentAt;
    this.#bell = new Bell(clock);
    this.#clockJump = new ClockJump(clock);
    void this.#keepRenewed();
  }

  /** Gets a pair of leases. @throws EtcdRefusedError, the signal's reason. */
  static async open(client: EtcdClient, clock: Clock, options: SessionOptions): Promise<Session> {
    const { ttl, signal, onFailedTry } = options;
    const timeoutMs = Number.POSITIVE_INFINITY;
    const call = { signal, timeoutMs, tryTimeoutMs: tryTimeoutMs(ttl), onFailedTry };
    const leases = await grantLeasePair(client, ttl, call);
    return new Session(client, clock, leases, options);
  }

  /** Aborts with a {@link SessionEndedError} when the session has ended. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** When the last answered keepalive of the lease was sent. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /** When the clocks were last seen to jump: what was proved before that is in doubt. */
  get doubtedAt(): number {
    const noticedAt = this.#clockJump.noticedAt();
    if (noticedAt > this.#renewedAt) this.#bell.ring();
    return noticedAt;
  }

  /** Whether anybody stands in a line, or holds a lock, on these leases. */
  get isInUse(): boolean {
    return this.#active.size > 0;
  }

  /** Whether nothing of ours that matters to anybody is bound to these leases. */
  get isIdle(): boolean {
    return !this.isInUse && this.#parked.size === 0;
  }

  /** How long one endpoint may take for one try of a call on behalf of this session, in milliseconds. */
  get tryTimeoutMs(): number {
    return tryTimeoutMs(this.ttl);
  }

  /**
   * A suffix for the keys of one place in one line: the lease's id, and a number for all but the first. Never given
   * twice, so that a request of an earlier place, carried out late, cannot be mistaken for this one's.
   */
  takeSuffix(): string {
    this.#suffixCount += 1;
    const hex = this.leaseId.toString(16);
    const suffix = this.#suffixCount === 1 ? hex : `${hex}-${this.#suffixCount.toString(36)}`;
    this.adoptSuffix(suffix);
    return suffix;
  }

  /** Keys with this suffix, perhaps of another session, are being bound to these leases. */
  adoptSuffix(suffix: string): void {
    this.#active.add(suffix);
    if (this.#active.size === 1) this.#bell.ring();
  }

  /** A lock has been lost whose owner may still be inside: its keys are left alone, and nothing waits for it. */
  parkSuffix(suffix: string): void {
    if (this.#active.delete(suffix)) this.#parked.add(suffix);
    if (!this.isInUse) this.#bell.ring();
  }

  /** The keys with this suffix are gone, or nobody's: {@link Session.expectGhosts}. */
  returnSuffix(suffix: string): void {
    this.#active.delete(suffix);
    this.#parked.delete(suffix);
    if (!this.isInUse) this.#bell.ring();
    if (this.isIdle) this.#onIdle();
  }

  /** Keys bound to our leases may be there, or appear at any time from now on, that belong to nobody. */
  expectGhosts(): void {
    this.#ghosts = "sweep-now";
    this.#bell.ring();
  }

  addHold(hold: Renewable): void {
    const ended: unknown = this.signal.reason;
    if (ended instanceof SessionEndedError) {
      hold.onSessionEnd(ended.reason, ended.message);
      return;
    }
    this.#holds.add(hold);
    if (this.#intervalMs(hold) < this.#plannedIntervalMs) this.#bell.ring();
  }

  removeHold(hold: Renewable): void {
    this.#holds.delete(hold);
  }

  /** Renews the lease and every hold now. Resolves after the try, whether or not it succeeded. */
  renew(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#renewalRequests.push(resolve);
      this.#bell.ring();
    });
  }

  /** Ends the session, for good. Its leases, if they still are, are left to {@link Session.close} or to time. */
  end(reason: LossReason, explanation: string): void {
    if (this.signal.aborted) return;
    this.#end.abort(new SessionEndedError(reason, explanation));
    for (const hold of this.#holds) hold.onSessionEnd(reason, explanation);
    this.#holds.clear();
    for (const resolve of this.#renewalRequests.splice(0)) resolve();
  }

  /** Ends the session and its leases, and so all keys bound to them; gives up after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.end("lease-ended", "the session was closed");
    const options = { timeoutMs, tryTimeoutMs: this.tryTimeoutMs };
    const leases = [this.leaseId, this.recordLeaseId];
    await Promise.all(leases.map((id) => this.client.revokeLease(id, options)));
  }

  async #keepRenewed(): Promise<void> {
    while (!this.signal.aborted) {
      const dueAt = this.#renewalRequests.length > 0 ? Number.NEGATIVE_INFINITY : this.#dueAt();
      const waitMs = Math.max(dueAt, this.#notBefore) - this.clock.now();
      if (waitMs > 0) await this.#bell.wait(waitMs, this.signal, this.isInUse).catch(() => {});
      else await this.#renewOnce();
    }
  }

  #dueAt(): number {
    const doubtedAt = this.#clockJump.noticedAt();
    this.#plannedIntervalMs = renewalIntervalMs(Number.POSITIVE_INFINITY, this.ttl);
    let touchDueAt = Number.POSITIVE_INFINITY;
    for (const hold of this.#holds) {
      const intervalMs = this.#intervalMs(hold);
      this.#plannedIntervalMs = Math.min(this.#plannedIntervalMs, intervalMs);
      touchDueAt = Math.min(touchDueAt, hold.touchedAt > doubtedAt ? hold.touchedAt + intervalMs : doubtedAt);
    }
    const leaseDueAt = this.#renewedAt > doubtedAt ? this.#renewedAt + this.#plannedIntervalMs : doubtedAt;
    return this.#ghosts === "sweep-now" ? Number.NEGATIVE_INFINITY : Math.min(leaseDueAt, touchDueAt);
  }

  #intervalMs({ refreshIntervalMs }: Renewable): number {
    return renewalIntervalMs(refreshIntervalMs, this.ttl);
  }

  async #renewOnce(): Promise<void> {
    const requests = this.#renewalRequests.splice(0);
    // Whatever should be due again at once: etcd is not to be asked without a pause.
    this.#notBefore = this.clock.now() + leastPauseMs;
    try {
      await this.#tryRenewal(requests.length > 0);
    } catch (error) {
      if (error instanceof EtcdRefusedError && error.status === "NOT_FOUND") this.#endWithLease();
      if (!this.signal.aborted) this.#onRenewalFailed(error instanceof Error ? error : new Error(String(error)));
      this.#notBefore = this.clock.now() + failurePauseMs;
    }
    for (const resolve of requests) resolve();
  }

  async #tryRenewal(ofAllHolds: boolean): Promise<void> {
    // No longer than two tries: what is due, and whether anybody still wants it, is looked at anew after each failure.
    const options = { signal: this.signal, timeoutMs: this.tryTimeoutMs * 2, tryTimeoutMs: this.tryTimeoutMs };
    const answer = await this.#keepAlive(this.leaseId, this.ttl, options);
    if (this.signal.aborted) return;
    this.#renewedAt = answer.sentAt;
    await this.#touch(ofAllHolds, answer, options);
    if (!this.signal.aborted && this.#ghosts !== "none") await this.#removeGhosts(options);
  }

  /** Touches what is due, and keeps the lease of the hold records alive. */
  async #touch(ofAllHolds: boolean, keepAlive: LeaseAnswer, options: CallOptions): Promise<void> {
    const context = { keepAlive, isCredible: (header: Header) => this.#isSameHistory(header) };
    try {
      await Promise.all([
        this.#keepAlive(this.recordLeaseId, recordLeaseTtl(this.ttl), options),
        touchHolds(this.client, this.#holdsToTouch(ofAllHolds), context, options),
      ]);
    } finally {
      // Also those that were not due: the lease is theirs, too.
      for (const hold of this.#holds) hold.onRoundEnd();
    }
  }

  /**
   * Renews a lease; the session ends with it. That it has ended is confirmed: a leader that was deposed, and does not know
   * it yet, does not know of leases that its successor has granted either.
   */
  async #keepAlive(id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer> {
    const answer = await this.client.keepAlive(id, options);
    if (!this.#isSameCluster(answer.header) || answer.ttl > 0) return answer;
    if (await this.#isThere(id, ttl, options)) throw new Error("a member of etcd that has fallen behind answered");
    this.#endWithLease();
    return answer;
  }

  /** Asks the whole cluster whether a lease is there: by granting one with its id. */
  async #isThere(id: bigint, ttl: number, options: CallOptions): Promise<boolean> {
    try {
      await this.client.grantLease(id, ttl, options);
      return false;
    } catch (error) {
      if (isLeaseThere(error)) return true;
      throw error;
    }
  }

  #isSameCluster({ clusterId }: Header): boolean {
    if (clusterId !== this.#clusterId) {
      this.end("cluster-changed", "another etcd cluster answers at its endpoints");
    }
    return !this.signal.aborted;
  }

  /**
   * Transactions see revisions that only grow: one that went back means that etcd was given the data of a backup, which
   * knows nothing of what came since. What a keepalive says proves nothing here: it is from the data of one member.
   */
  #isSameHistory(header: Header): boolean {
    if (this.#isSameCluster(header) && header.revision < this.#touchRevision) {
      this.end("cluster-changed", "the data of etcd went back in time: it was restored from a backup");
    }
    this.#touchRevision = header.revision;
    return !this.signal.aborted;
  }

  #endWithLease(): void {
    this.end("lease-ended", "etcd says that its lease has ended: it expired, was revoked, or the data of etcd is gone");
  }

  /** Those that are due, and those that nearly are: they travel together. */
  #holdsToTouch(all: boolean): Renewable[] {
    const doubtedAt = this.#clockJump.noticedAt();
    const now = this.clock.now();
    const isDue = (hold: Renewable): boolean =>
      hold.touchedAt <= doubtedAt || now - hold.touchedAt >= this.#intervalMs(hold) / 2;
    return [...this.#holds].filter((hold) => all || isDue(hold));
  }

  async #removeGhosts(options: CallOptions): Promise<void> {
    this.#ghosts = "swept";
    const isInUse = (suffix: string): boolean => this.#active.has(suffix) || this.#parked.has(suffix);
    try {
      await removeGhosts(this.client, [this.leaseId, this.recordLeaseId], isInUse, options);
    } catch (error) {
      this.#ghosts = "sweep-now";
      throw error;
    }
  }
}
