import type { Scope } from "../abort.ts";
import { Bell } from "../bell.ts";
import type { Clock } from "../clock.ts";
import { EtcdRefusedError, type LossReason } from "../errors.ts";
import type { CallOptions, EtcdClient, Header, LeaseAnswer } from "../etcd/etcd-client.ts";
import type { Chores } from "./chores.ts";
import { ClockJump } from "./clock-jump.ts";
import { ClusterHistory } from "./cluster-history.ts";
import { recordLeaseTtl, renewalIntervalMs, tryTimeoutMs } from "./deadline.ts";
import { removeGhosts } from "./ghosts.ts";
import { isLeaseHeld, type LeasePair } from "./lease-pair.ts";
import type { Renewable } from "./renewable.ts";
import type { Suffixes } from "./suffixes.ts";
import { mostInTouch, touchHolds } from "./touch-holds.ts";

export interface RenewalOptions {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly leases: LeasePair;
  readonly suffixes: Suffixes;
  readonly chores: Chores;
  /** Aborts when the session has ended, and the renewal with it. */
  readonly ended: Scope;
  /** Ends the session. */
  end(reason: LossReason, explanation: string): void;
  /** Told of each renewal that was tried and failed. */
  onRenewalFailed(error: Error): void;
}

/** After a renewal that failed, so long passes before the next try, in milliseconds. */
const failurePauseMs = 250;
/** Between two renewals, in milliseconds. */
const leastPauseMs = 5;

/** Keeps the leases of a session alive by keepalives, and its holds by touching their records, for as long as it lasts. */
export class Renewal {
  readonly #options: RenewalOptions;
  readonly #ttl: number;
  readonly #bell: Bell;
  readonly #clockJump: ClockJump;
  readonly #history: ClusterHistory;
  /** Those touched longest ago come first. */
  readonly #holds = new Set<Renewable>();
  readonly #requests: (() => void)[] = [];
  /** The last answered keepalive of the lease. */
  #keepAlive: LeaseAnswer;
  #isLeaseInDoubt = false;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Once there may have been ghosts, each renewal of the lease looks for them. */
  #ghosts: "none" | "sweep-now" | "swept" = "none";
  #plannedIntervalMs: number;
  /** When the next renewal is due, if nothing else comes up. */
  #plannedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RenewalOptions) {
    const { granted } = options.leases;
    this.#options = options;
    this.#ttl = granted.ttl;
    this.#plannedIntervalMs = renewalIntervalMs(Number.POSITIVE_INFINITY, this.#ttl);
    this.#keepAlive = granted;
    this.#bell = new Bell(options.clock);
    this.#clockJump = new ClockJump(options.clock);
    this.#history = new ClusterHistory(granted.header);
    void this.#run();
  }

  /** When the last answered keepalive of the lease was sent. */
  get renewedAt(): number {
    return this.#keepAlive.sentAt;
  }

  /** When the clocks were last seen to jump: what was proved before that is in doubt, and is proved anew at once. */
  get doubtedAt(): number {
    const noticedAt = this.#clockJump.noticedAt();
    if (noticedAt > this.renewedAt) this.#bell.ring();
    return noticedAt;
  }

  add(hold: Renewable): void {
    this.#holds.add(hold);
    const intervalMs = this.#intervalMs(hold);
    // The more there are, the earlier they have to begin.
    const isOneBatchMore = this.#holds.size > mostInTouch && this.#holds.size % mostInTouch === 1;
    // One of several that were taken together may have waited for the others, and be due before all that are held.
    const isDueEarlier = intervalMs < this.#plannedIntervalMs || hold.touchedAt + intervalMs < this.#plannedAt;
    this.#plannedIntervalMs = Math.min(this.#plannedIntervalMs, intervalMs);
    if (isOneBatchMore || isDueEarlier) this.#bell.ring();
  }

  remove(hold: Renewable): void {
    this.#holds.delete(hold);
  }

  /** Removes all of them, and tells which. */
  removeAll(): readonly Renewable[] {
    const holds = [...this.#holds];
    this.#holds.clear();
    return holds;
  }

  expectGhosts(): void {
    this.#ghosts = "sweep-now";
    this.#bell.ring();
  }

  /** One has come up. */
  expectChores(): void {
    this.#bell.ring();
  }

  /** Renews the lease and every hold now. Resolves after the try, whether or not it succeeded, or with the session's end. */
  renew(): Promise<void> {
    return new Promise((resolve) => {
      this.#requests.push(resolve);
      this.#bell.ring();
    });
  }

  async #run(): Promise<void> {
    const { clock, ended } = this.#options;
    while (!ended.aborted) {
      this.#plannedAt = this.#requests.length > 0 ? Number.NEGATIVE_INFINITY : this.#dueAt();
      const waitMs = Math.max(this.#plannedAt, this.#notBefore) - clock.now();
      // Whoever holds or waits keeps the process alive, also for this; a session alone does not.
      if (waitMs > 0) await this.#bell.wait(waitMs, ended, this.#requests.length > 0).catch(() => {});
      else await this.#renewOnce();
    }
    for (const resolve of this.#requests) resolve();
  }

  /**
   * When to renew next. Many holds are not touched at once but one batch after the other, and early enough for the last of
   * them: over the second half of the interval, when all were taken at the same time.
   */
  #dueAt(): number {
    const doubtedAt = this.#clockJump.noticedAt();
    // While there are none, the interval stays: whoever locks again soon wants the same, and nothing is to be planned anew.
    if (this.#holds.size > 0) this.#plannedIntervalMs = this.#leastIntervalMs();
    const batches = Math.ceil(this.#holds.size / mostInTouch);
    const batchIntervalMs = this.#plannedIntervalMs / 2 / Math.max(1, batches);
    let touchDueAt = Number.POSITIVE_INFINITY;
    let position = 0;
    for (const hold of this.#holds) {
      const earlierMs = Math.floor(position / mostInTouch) * batchIntervalMs;
      const dueAt = hold.touchedAt > doubtedAt ? hold.touchedAt + this.#intervalMs(hold) - earlierMs : doubtedAt;
      touchDueAt = Math.min(touchDueAt, dueAt);
      position += 1;
    }
    const leaseDueAt = this.renewedAt > doubtedAt ? this.renewedAt + this.#plannedIntervalMs : doubtedAt;
    return this.#isPressed ? Number.NEGATIVE_INFINITY : Math.min(leaseDueAt, touchDueAt);
  }

  /** There is something that waits for nothing but etcd. */
  get #isPressed(): boolean {
    return this.#ghosts === "sweep-now" || this.#options.chores.arePressing;
  }

  #leastIntervalMs(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const hold of this.#holds) least = Math.min(least, this.#intervalMs(hold));
    return least;
  }

  #intervalMs({ refreshIntervalMs }: Renewable): number {
    return renewalIntervalMs(refreshIntervalMs, this.#ttl);
  }

  async #renewOnce(): Promise<void> {
    const { clock, ended, onRenewalFailed } = this.#options;
    const requests = this.#requests.splice(0);
    // Whatever should be due again at once: etcd is not to be asked without a pause.
    this.#notBefore = clock.now() + leastPauseMs;
    try {
      await this.#tryRenewal(requests.length > 0);
    } catch (error) {
      if (error instanceof EtcdRefusedError && error.status === "NOT_FOUND") this.#endWithLease();
      if (!ended.aborted) onRenewalFailed(error instanceof Error ? error : new Error(String(error)));
      this.#notBefore = clock.now() + failurePauseMs;
    }
    for (const resolve of requests) resolve();
  }

  async #tryRenewal(ofAllHolds: boolean): Promise<void> {
    const { leases, chores, ended } = this.#options;
    const tryMs = tryTimeoutMs(this.#ttl);
    // No longer than two tries: what is due, and whether anybody still wants it, is looked at anew after each failure.
    const options = { signal: ended, timeoutMs: tryMs * 2, tryTimeoutMs: tryMs };
    if (!ofAllHolds && !this.#isLeaseNearlyDue()) {
      await this.#touch(this.#holdsToTouch(), options);
      return;
    }
    const answer = await this.#keepLeaseAlive(leases.entries, this.#ttl, options);
    if (ended.aborted) return;
    this.#keepAlive = answer;
    this.#isLeaseInDoubt = false;
    const holds = ofAllHolds ? [...this.#holds] : this.#holdsToTouch();
    try {
      const recordsRenewed = this.#keepLeaseAlive(leases.records, recordLeaseTtl(this.#ttl), options);
      recordsRenewed.catch(() => {});
      // To its end, whatever became of the other: of two touches under way at once, the answers may come in any order, and
      // the data of etcd would seem to have gone back in time.
      await this.#touch(holds, options);
      await recordsRenewed;
      if (!ended.aborted) await chores.carryOut(options);
      if (!ended.aborted && this.#ghosts !== "none") await this.#removeGhosts(options);
    } finally {
      // Also those that were not due: the lease is theirs, too.
      for (const hold of this.#holds) hold.onRoundEnd();
    }
  }

  /** All that is due, and as much as fits into one batch of what nearly is. */
  #holdsToTouch(): readonly Renewable[] {
    const now = this.#options.clock.now();
    const doubtedAt = this.#clockJump.noticedAt();
    const due: Renewable[] = [];
    for (const hold of this.#holds) {
      const { touchedAt } = hold;
      const intervalMs = this.#intervalMs(hold);
      const isDue = touchedAt <= doubtedAt || now - touchedAt >= intervalMs;
      if (isDue || (due.length < mostInTouch && this.#isNearlyDue(touchedAt, intervalMs))) due.push(hold);
    }
    return due;
  }

  /** Each renewal of the lease does the chores, and looks for ghosts, if there may be any. */
  #isLeaseNearlyDue(): boolean {
    return this.#isLeaseInDoubt || this.#isPressed || this.#isNearlyDue(this.renewedAt, this.#plannedIntervalMs);
  }

  #isNearlyDue(provedAt: number, intervalMs: number): boolean {
    return provedAt <= this.#clockJump.noticedAt() || this.#options.clock.now() - provedAt >= intervalMs / 2;
  }

  async #touch(holds: readonly Renewable[], options: CallOptions): Promise<void> {
    const { client, clock } = this.#options;
    const startedAt = clock.now();
    const context = {
      keepAlive: this.#keepAlive,
      onNewTerm: (): void => {
        this.#isLeaseInDoubt = true;
      },
      isCredible: (header: Header): boolean => this.#isSameHistory(header),
    };
    try {
      await touchHolds(client, holds, context, options);
    } finally {
      for (const hold of holds) {
        if (hold.touchedAt >= startedAt && this.#holds.delete(hold)) this.#holds.add(hold);
        hold.onRoundEnd();
      }
    }
  }

  /**
   * Renews a lease; the session ends with it. That it has ended is confirmed: a leader that was deposed, and does not know
   * it yet, does not know of leases that its successor has granted either.
   */
  async #keepLeaseAlive(id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer> {
    const { client, ended } = this.#options;
    const answer = await client.keepAlive(id, options);
    this.#endIf(this.#history.compare(answer.header));
    if (ended.aborted || answer.ttl > 0) return answer;
    if (await isLeaseHeld(client, id, ttl, options)) {
      throw new Error("a member of etcd that has fallen behind answered");
    }
    this.#endWithLease();
    return answer;
  }

  #isSameHistory(header: Header): boolean {
    this.#endIf(this.#history.follow(header));
    return !this.#options.ended.aborted;
  }

  #endIf(fault: string | undefined): void {
    if (fault !== undefined) this.#options.end("cluster-changed", fault);
  }

  #endWithLease(): void {
    const explanation = "etcd says that its lease has ended: it expired, was revoked, or the data of etcd is gone";
    this.#options.end("lease-ended", explanation);
  }

  async #removeGhosts(options: CallOptions): Promise<void> {
    const { client, leases, suffixes } = this.#options;
    this.#ghosts = "swept";
    try {
      const isGhost = (key: string): boolean => suffixes.isGhost(key);
      await suffixes.whileSweeping(() => removeGhosts(client, [leases.entries, leases.records], isGhost, options));
    } catch (error) {
      this.#ghosts = "sweep-now";
      throw error;
    }
  }
}
