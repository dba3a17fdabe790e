import type { Alarm } from "../clock.ts";
import { EtcdRefusedError, type LossReason } from "../errors.ts";
import type { CallOptions, KeyEvent, OperationResult, Transaction, Watch } from "../etcd/etcd-client.ts";
import { nested } from "../etcd/transaction.ts";
import { holdTimeMs } from "../session/deadline.ts";
import { grantLease } from "../session/lease-pair.ts";
import type { Renewable } from "../session/renewable.ts";
import type { Session } from "../session/session.ts";
import { type Admission, entryKey } from "./entry.ts";
import type { EntryValue } from "./entry-value.ts";
import { successorOf } from "./hand-over.ts";
import {
  checkTransaction,
  entryDeleted,
  entryOverwritten,
  explainLoss,
  type Found,
  keepTransaction,
  readFound,
  rewriteTransaction,
  touchTransaction,
} from "./hold-transactions.ts";
import { type HandOver, type Left, leaveLines, leaveLinesLater } from "./leave-lines.ts";

/** What a hold tells its owner. */
export interface HoldListener {
  /** Lease and record have been renewed: the deadline has moved on. */
  onRenewed(): void;
  /** Entry, record or lease are not ours any more. May be told more than once. */
  onLost(reason: LossReason, explanation: string): void;
}

interface Rewrite {
  readonly session: Session;
  readonly value: EntryValue;
}

/** A hold of less than this is not watched, in milliseconds: opening the watch would cost more than the lock. */
const watchDelayMs = 100;

/** A hold that ends, and for how long its entry is to be kept in line after that. */
export interface EndingHold {
  readonly hold: Hold;
  readonly keepForMs: number;
}

/**
 * Leaves the lines of holds, those of one session in one transaction, but for those whose entry is to be kept.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: then the lines are left as soon as etcd answers.
 */
export async function leaveHolds(
  ending: readonly EndingHold[],
  options: CallOptions,
): Promise<ReadonlyMap<Hold, Left>> {
  const kept = ending.filter(({ keepForMs }) => keepForMs > 0);
  const leaving = ending.filter(({ keepForMs }) => keepForMs === 0).map(({ hold }) => hold);
  const sessions = new Set(leaving.map(({ session }) => session));
  const outcomes = await Promise.all([
    ...[...sessions].map((session) =>
      leaveTogether(
        session,
        leaving.filter((hold) => hold.session === session),
        options,
      ),
    ),
    ...kept.map(({ hold, keepForMs }) => keepEntry(hold, keepForMs, options)),
  ]);
  return new Map(outcomes.flat());
}

async function leaveTogether(
  session: Session,
  holds: readonly Hold[],
  options: CallOptions,
): Promise<readonly (readonly [Hold, Left])[]> {
  const places = holds.map(({ admission }) => admission.entry);
  try {
    const outcomes = await leaveHandingOver(session, holds, options);
    return holds.map((hold, index) => [hold, outcomes[index] ?? "was-gone"]);
  } catch (error) {
    leaveLinesLater(session, places);
    throw error;
  }
}

/** A hand-over is a write on another's behalf: where etcd refuses it, the line is left without. */
async function leaveHandingOver(
  session: Session,
  holds: readonly Hold[],
  options: CallOptions,
): Promise<readonly Left[]> {
  const leavings = holds.map(({ admission }) => ({ place: admission.entry, handOver: handOverOf(admission) }));
  try {
    return await leaveLines(session, leavings, options);
  } catch (error) {
    const isRefused = error instanceof EtcdRefusedError && leavings.some(({ handOver }) => handOver !== undefined);
    if (!isRefused) throw error;
    return await leaveLines(
      session,
      leavings.map(({ place }) => ({ place })),
      options,
    );
  }
}

function handOverOf(admission: Admission): HandOver | undefined {
  const { entry } = admission;
  const to = entry.value.limit === 1 ? successorOf(entry.session.client, entryKey(entry)) : undefined;
  return to === undefined ? undefined : { from: admission, to };
}

/** Moves the entry to a lease of its own, which nobody renews: it goes when the time is over, with us or without. */
async function keepEntry(
  hold: Hold,
  keepForMs: number,
  options: CallOptions,
): Promise<readonly (readonly [Hold, Left])[]> {
  const { session, admission } = hold;
  try {
    const lease = await grantLease(session.client, Math.ceil(keepForMs / 1_000), options);
    const transaction = keepTransaction(admission, lease.id, Math.ceil(Date.now() + keepForMs));
    const answer = await session.client.transact(transaction, { tryTimeoutMs: session.tryTimeoutMs, ...options });
    const isKept = answer.succeeded || readFound(answer.results).entry?.leaseId === lease.id;
    session.returnSuffix(admission.entry.suffix);
    return [[hold, isKept ? "left" : "was-gone"]];
  } catch (error) {
    leaveLinesLater(session, [admission.entry]);
    throw error;
  }
}

/** An entry that is inside: kept renewed by its session, and watched. */
export class Hold implements Renewable {
  refreshIntervalMs: number;
  readonly #listener: HoldListener;
  readonly #watchDelay: Alarm;
  #admission: Admission;
  #touchedAt: number;
  /** What entry and record are being made; whether they are already may not be known. */
  #rewriting: Rewrite | undefined;
  #watch: Watch | undefined;

  constructor(admission: Admission, refreshIntervalMs: number, listener: HoldListener) {
    this.refreshIntervalMs = refreshIntervalMs;
    this.#listener = listener;
    this.#admission = admission;
    this.#touchedAt = admission.touchedAt;
    this.session.addHold(this);
    this.#watchDelay = this.session.clock.schedule(watchDelayMs, () => this.#watchEntry(), false);
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

  /** When the older of the two proofs, keepalive and touch, was sent. */
  get provedAt(): number {
    return Math.min(this.#touchedAt, ...this.#sessions.map(({ renewedAt }) => renewedAt));
  }

  /**
   * Up to when nobody else can have been admitted.
   *
   *     keepalive sent |------------ TTL - margin ------------|
   *     touch sent        |------------ TTL - margin ------------|
   *                                                       deadline
   */
  get deadline(): number {
    return Math.min(
      ...this.#sessions.map(({ renewedAt, ttl }) => Math.min(this.#touchedAt, renewedAt) + holdTimeMs(ttl)),
    );
  }

  /** The lock is not to be renewed or watched any more. Its keys stay until {@link leaveHolds}. */
  stop(): void {
    this.#watchDelay.cancel();
    this.#watch?.close();
    for (const session of this.#sessions) {
      session.removeHold(this);
      session.parkSuffix(this.#admission.entry.suffix);
    }
  }

  /**
   * Writes another value into entry and record, and binds them to the leases of `session`, perhaps another one with
   * another TTL. The place in line stays.
   */
  async rewrite(session: Session, value: EntryValue, options: CallOptions): Promise<void> {
    const startedAt = session.clock.now();
    const rewritten = { session, value: { ...value, ttl: session.ttl } };
    this.#rewriting = rewritten;
    session.adoptSuffix(this.#admission.entry.suffix);
    const answer = await session.client.transact(
      rewriteTransaction(this.#admission, session, rewritten.value),
      options,
    );
    if (answer.succeeded) this.#rewritten(rewritten, answer.header.revision, answer.sentAt);
    else this.#judge(readFound(answer.results), startedAt);
  }

  touch(): Transaction {
    return touchTransaction(this.#admission);
  }

  check(): Transaction {
    return checkTransaction(this.#admission);
  }

  onTouched(sentAt: number): void {
    this.#touchedAt = Math.max(this.#touchedAt, sentAt);
    this.#listener.onRenewed();
  }

  onNotOurs(results: readonly OperationResult[]): void {
    this.#judge(readFound(results), this.#touchedAt);
  }

  onSessionEnd(reason: LossReason, explanation: string): void {
    this.#listener.onLost(reason, explanation);
  }

  get #sessions(): readonly Session[] {
    const target = this.#rewriting?.session;
    return target === undefined || target === this.session ? [this.session] : [this.session, target];
  }

  /** A touch that was sent before a rewrite may be answered after it: what counts is whether the keys are ours now. */
  #judge(found: Found, rewrittenAt: number): void {
    const target = this.#rewriting;
    if (target !== undefined && found.entry?.leaseId === target.session.leaseId) {
      this.#rewritten(target, found.entry.modRevision, rewrittenAt);
    }
    const loss = explainLoss(this.#admission, found);
    if (loss !== undefined) this.#listener.onLost(...loss);
  }

  #rewritten({ session, value }: Rewrite, modRevision: bigint, touchedAt: number): void {
    const { entry } = this.#admission;
    this.session.removeHold(this);
    if (session !== this.session) this.session.returnSuffix(entry.suffix);
    this.#admission = { ...this.#admission, entry: { ...entry, session, modRevision, value } };
    this.#rewriting = undefined;
    this.#touchedAt = Math.max(this.#touchedAt, touchedAt);
    session.addHold(this);
    this.#listener.onRenewed();
  }

  #watchEntry(): void {
    this.#watch = this.session.client.watch(
      { key: entryKey(this.#admission.entry) },
      { onConfirmed: () => void this.#checkNow(), onChange: (events) => this.#hear(events) },
    );
  }

  /** What happened before the watch stood, or while it was interrupted, shows in a read. */
  async #checkNow(): Promise<void> {
    const { client, tryTimeoutMs, signal } = this.session;
    const transaction = { compare: [], success: [nested(this.check())], failure: [] };
    try {
      const options = { timeoutMs: tryTimeoutMs * 2, tryTimeoutMs, signal };
      const [result] = (await client.transact(transaction, options)).results;
      if (result?.kind === "transaction" && !result.succeeded) this.onNotOurs(result.results);
    } catch {
      // The next renewal looks at the same keys.
    }
  }

  #hear(events: readonly KeyEvent[]): void {
    for (const event of events) {
      if (event.kind === "delete") this.#listener.onLost(...entryDeleted);
      else if (!this.#isOurOwnWrite(event)) this.#listener.onLost(...entryOverwritten);
    }
  }

  #isOurOwnWrite({ modRevision, leaseId }: KeyEvent): boolean {
    return modRevision <= this.#admission.entry.modRevision || leaseId === this.#rewriting?.session.leaseId;
  }
}
