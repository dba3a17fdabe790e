import type { DeadlineAlarm, Due } from "../deadline-alarm.ts";
import { EtcdRefusedError, type LossReason } from "../errors.ts";
import type { CallOptions, KeyEvent, OperationResult, Transaction } from "../etcd/etcd-client.ts";
import { holdTimeMs, renewalIntervalMs, riskTimeMs } from "../session/deadline.ts";
import type { Renewable } from "../session/renewable.ts";
import type { Session } from "../session/session.ts";
import { type Admission, type Application, type Entry, entryText } from "./entry.ts";
import type { EntryValue } from "./entry-value.ts";
import { EntryWatch, type WatchedHold } from "./entry-watch.ts";
import {
  checkTransaction,
  entryDeleted,
  entryOverwritten,
  explainLoss,
  type Found,
  readFound,
  rewriteTransaction,
  touchTransaction,
} from "./hold-transactions.ts";

/** What holds tell their owners: one listener for all of them, as there may be many thousands. */
export interface HoldListener<Owner> {
  /** Lease and record have been renewed: the deadline has moved on. */
  onRenewed(owner: Owner): void;
  /** Half the TTL has passed, and time for a try, without a renewal. */
  onAtRisk(owner: Owner): void;
  /** The deadline has passed. */
  onDeadline(owner: Owner): void;
  /** Entry, record or lease are not ours any more. May be told more than once. */
  onLost(owner: Owner, reason: LossReason, explanation: string): void;
}

/** What an entry is to say, and on whose leases. */
export type Change = (entry: Entry) => { readonly session: Session; readonly value: EntryValue };

interface Rewrite {
  readonly session: Session;
  readonly value: EntryValue;
  readonly sentAt: number;
  /** It has been sent in vain: it may have been carried out all the same, or be yet. */
  isUnanswered: boolean;
}

/** An entry that is inside: kept renewed by its session, and watched. */
export class Hold<Owner = unknown> implements Renewable, WatchedHold, Due {
  readonly #owner: Owner;
  readonly #listener: HoldListener<Owner>;
  readonly #deadlines: DeadlineAlarm;
  readonly #watch: EntryWatch;
  #refreshIntervalMs: number;
  #admission: Admission;
  #touchedAt: number;
  /** What entry and record are being made; whether they are already may not be known. */
  #rewrite: Rewrite | undefined;
  #isStopped = false;
  /** The proof whose growing old has been told. */
  #toldRiskOf = Number.NEGATIVE_INFINITY;
  #toldDeadline = Number.NEGATIVE_INFINITY;

  constructor(admission: Admission, refreshIntervalMs: number, owner: Owner, listener: HoldListener<Owner>) {
    this.#refreshIntervalMs = refreshIntervalMs;
    this.#owner = owner;
    this.#listener = listener;
    this.#admission = admission;
    this.#touchedAt = admission.touchedAt;
    this.#watch = new EntryWatch(this);
    this.#deadlines = this.session.deadlines;
    this.#deadlines.add(this);
    this.session.addHold(this);
  }

  get admission(): Admission {
    return this.#admission;
  }

  get session(): Session {
    return this.#admission.entry.session;
  }

  get touchedAt(): number {
    return this.#touchedAt;
  }

  /** While the entry may be bound to a lease with a shorter TTL already, it is renewed as often as that needs. */
  get refreshIntervalMs(): number {
    if (this.#rewrite === undefined) return this.#refreshIntervalMs;
    return renewalIntervalMs(this.#refreshIntervalMs, this.#rewrite.session.ttl);
  }

  set refreshIntervalMs(refreshIntervalMs: number) {
    this.#refreshIntervalMs = refreshIntervalMs;
    this.session.addHold(this);
  }

  /** Those whose leases the entry may be bound to: two while it is being moved. */
  get sessions(): readonly Session[] {
    const target = this.#rewrite?.session;
    return target === undefined || target === this.session ? [this.session] : [this.session, target];
  }

  /** What to leave: the entry as we last wrote it, or, while that is not known, whatever has our suffix. */
  get place(): Entry | Application {
    const { entry } = this.#admission;
    const { line, session, suffix, value } = entry;
    if (this.#rewrite === undefined) return entry;
    return { line, session, suffix, value, movingTo: this.#rewrite.session };
  }

  /** When the older of the two proofs, keepalive and touch, was sent. */
  get provedAt(): number {
    const provedAt = Math.min(this.#touchedAt, this.session.renewedAt);
    return this.#rewrite === undefined ? provedAt : Math.min(provedAt, this.#rewrite.session.renewedAt);
  }

  /**
   * Up to when nobody else can have been admitted.
   *
   *     keepalive sent |------------ TTL - margin ------------|
   *     touch sent        |------------ TTL - margin ------------|
   *                                                       deadline
   *
   * While a rewrite is under way, the new TTL counts as well: who knows of it has seen it written, after it was sent.
   */
  get deadline(): number {
    const { renewedAt, ttl } = this.session;
    const deadline = Math.min(this.#touchedAt, renewedAt) + holdTimeMs(ttl);
    if (this.#rewrite === undefined) return deadline;
    const { session, sentAt } = this.#rewrite;
    const newTouchedAt = Math.max(this.#touchedAt, sentAt);
    return Math.min(deadline, Math.min(newTouchedAt, session.renewedAt) + holdTimeMs(session.ttl));
  }

  /** When it is at risk, or, once that has been told, when its deadline passes. */
  get dueAt(): number {
    const { deadline, provedAt } = this;
    return provedAt > this.#toldRiskOf ? Math.min(deadline, provedAt + riskTimeMs(this.session.ttl)) : deadline;
  }

  onDue(): void {
    if (this.deadline <= this.session.clock.now()) this.#listener.onDeadline(this.#owner);
    else {
      this.#toldRiskOf = this.provedAt;
      this.#listener.onAtRisk(this.#owner);
    }
  }

  /** The lock is not to be renewed or watched any more. Its keys stay until the line is left. */
  stop(): void {
    this.#isStopped = true;
    this.#deadlines.remove(this);
    this.#watch.close();
    for (const session of this.sessions) {
      session.removeHold(this);
      session.parkSuffix(this.#admission.entry.suffix);
    }
  }

  /**
   * Writes another value into entry and record, and binds them to the leases of a session, perhaps another one with
   * another TTL. The place in line stays.
   */
  async rewrite(change: Change, options: CallOptions): Promise<void> {
    if (this.#rewrite !== undefined) await this.#finish(this.#rewrite, options);
    if (this.#isStopped) return;
    const { session, value } = change(this.#admission.entry);
    const sentAt = session.clock.now();
    const written = { ...value, ttl: session.ttl, recordLease: session.recordLeaseId };
    const rewrite = { session, value: written, sentAt, isUnanswered: false };
    this.#rewrite = rewrite;
    session.adoptSuffix(this.#admission.entry.suffix);
    this.session.addHold(this);
    // With a shorter TTL the deadline has moved back.
    this.#deadlines.lookAt(this);
    await this.#carryOut(rewrite, options);
  }

  /** What became of a rewrite that nobody answered has to be known before the next: nobody could tell the two apart. */
  async #finish(rewrite: Rewrite, options: CallOptions): Promise<void> {
    try {
      await this.#carryOut(rewrite, options);
    } catch (error) {
      if (this.#rewrite === rewrite) throw error;
    }
  }

  async #carryOut(rewrite: Rewrite, options: CallOptions): Promise<void> {
    const { client, tryTimeoutMs } = rewrite.session;
    const onFailedTry = (): void => {
      rewrite.isUnanswered = true;
    };
    try {
      const transaction = rewriteTransaction(this.#admission, rewrite.session, rewrite.value);
      const answer = await client.transact(transaction, { ...options, tryTimeoutMs, onFailedTry });
      if (answer.succeeded) this.#settle(rewrite, answer.header.revision, answer.sentAt);
      else {
        // Refused by its conditions, and never tried before: what is there now is not ours.
        if (!rewrite.isUnanswered) this.#forget(rewrite);
        this.#judge(readFound(answer.results));
      }
    } catch (error) {
      // Where its lease is gone, it was not carried out before either, and never will be.
      const isRefused = error instanceof EtcdRefusedError;
      if (isRefused && (!rewrite.isUnanswered || error.status === "NOT_FOUND")) this.#forget(rewrite);
      throw error;
    }
  }

  touch(): Transaction {
    return touchTransaction(this.#admission);
  }

  check(): Transaction {
    return checkTransaction(this.#admission);
  }

  onTouched(sentAt: number): void {
    this.#touchedAt = Math.max(this.#touchedAt, sentAt);
  }

  onRoundEnd(): void {
    const { deadline } = this;
    if (deadline === this.#toldDeadline) return;
    this.#toldDeadline = deadline;
    this.#listener.onRenewed(this.#owner);
  }

  onNotOurs(results: readonly OperationResult[]): void {
    this.#judge(readFound(results));
  }

  onSessionEnd(reason: LossReason, explanation: string): void {
    this.#listener.onLost(this.#owner, reason, explanation);
  }

  onEntryChange(events: readonly KeyEvent[]): void {
    for (const event of events) {
      if (this.#isOurOwnWrite(event)) continue;
      this.#listener.onLost(this.#owner, ...(event.kind === "delete" ? entryDeleted : entryOverwritten));
    }
  }

  /**
   * A touch that was sent before a rewrite may be answered after it: what counts is whether the keys are ours now. One
   * that was sent before the rewrite that went before shows what that has left, and says nothing of this one.
   */
  #judge(found: Found): void {
    const rewrite = this.#rewrite;
    const isWritten = found.entry !== undefined && found.entry.modRevision > this.#admission.entry.modRevision;
    if (rewrite !== undefined && isWritten && isMadeBy(rewrite, found.entry)) {
      this.#settle(rewrite, found.entry.modRevision, rewrite.sentAt);
    }
    const loss = explainLoss(this.#admission, found);
    if (loss !== undefined) this.#listener.onLost(this.#owner, ...loss);
  }

  /** The rewrite has been carried out: entry and record are what it made them. */
  #settle(rewrite: Rewrite, modRevision: bigint, touchedAt: number): void {
    if (this.#isStopped || this.#rewrite !== rewrite) return;
    const { entry } = this.#admission;
    const { session, value } = rewrite;
    if (session !== this.session) {
      this.session.removeHold(this);
      this.session.returnSuffix(entry.suffix);
    }
    this.#admission = { ...this.#admission, entry: { ...entry, session, modRevision, value } };
    this.#rewrite = undefined;
    this.#touchedAt = Math.max(this.#touchedAt, touchedAt);
    session.addHold(this);
    // With a shorter TTL it is at risk earlier.
    this.#deadlines.lookAt(this);
    this.onRoundEnd();
  }

  /** The rewrite has certainly not been carried out. */
  #forget(rewrite: Rewrite): void {
    if (this.#isStopped || this.#rewrite !== rewrite) return;
    this.#rewrite = undefined;
    if (rewrite.session !== this.session) rewrite.session.returnSuffix(this.#admission.entry.suffix);
  }

  #isOurOwnWrite(event: KeyEvent): boolean {
    if (event.modRevision <= this.#admission.entry.modRevision) return true;
    return event.kind === "put" && this.#rewrite !== undefined && isMadeBy(this.#rewrite, event);
  }
}

/** Somebody else can write into the entry without touching its lease, also while a rewrite is under way. */
function isMadeBy({ session, value }: Rewrite, written: Pick<KeyEvent, "leaseId" | "value">): boolean {
  // As bytes: half of a character, which JavaScript's strings may have, is not what comes back.
  return written.leaseId === session.leaseId && Buffer.from(entryText(value)).equals(written.value);
}
