import { Scope, type Signal, sleep } from "../abort.ts";
import { Bell } from "../bell.ts";
import type { Alarm } from "../clock.ts";
import { EtcdRefusedError, NotAvailableError } from "../errors.ts";
import type { KeyEvent, WatchTarget } from "../etcd/etcd-client.ts";
import { keyValuesOf } from "../etcd/transaction.ts";
import { type Confirmation, confirmAdmission, type Grounds } from "./confirm-admission.ts";
import { type Admission, admittedUnawares, type Entry, entryKey, recordKey } from "./entry.ts";
import { type Follower, parseFollower, readFollower } from "./follower.ts";
import { standBehind } from "./hand-over.ts";
import { type LineView, type OtherEntry, parseView, readView, type ViewWidth, viewWidth } from "./line-view.ts";
import { OrphanLedger } from "./orphan-ledger.ts";
import { judgeTurn, type Turn } from "./turn.ts";
import { WatchSet } from "./watch-set.ts";

/** The entry is not in its line any more: the place is lost, and can only be taken again at the end. */
export class PlaceLostError extends Error {}

/** Whether to wait for the turn, or to give up when it has not come yet. */
export type Patience = "wait" | "only-now";

/**
 * A waiter reads its line at least so often, in milliseconds, whatever it is told or not: a watch is a hint, never proof.
 * Who is next is to be served within 2 s even then, and when the first try goes to a connection that is half open.
 */
const readIntervalMs = { next: 1_000, others: 10_000 };

/**
 * etcd chooses from which revision on it tells a new watch, and only then begins to watch. What is written between the two
 * is told with its next round of what came late, which may be 100 ms later. Who is next, or behind one who is about to
 * enter, looks before that.
 */
const glanceMs = 10;
/**
 * Whoever is far back looks so long after its watches stand, in milliseconds: at what came before that, and at who has come
 * just behind, to admit that one when it leaves.
 */
const lookBackMs = 25;
/** What the one ahead does as it leaves is told at once, but in any order: so long is waited for the rest of it, in milliseconds. */
const restMs = 1;

/** Whoever is let in at once is let in by then, unless etcd does not answer, in milliseconds. */
const promptMs = 1_000;

/**
 * Waits until `entry` may enter, and enters. Rides through whatever heals: without etcd, it goes on waiting. `onWaiting` is
 * called unless it need not wait.
 *
 * @throws PlaceLostError, NotAvailableError, the signal's reason, or the session's `SessionEndedError`. The line has not been left then.
 */
export async function waitForTurn(
  entry: Entry,
  firstView: LineView,
  patience: Patience,
  signal: Signal,
  onWaiting: () => void,
): Promise<Admission> {
  using scope = new Scope(signal, entry.session.ended);
  using wait = new Wait(entry, firstView, patience, scope, onWaiting);
  return await wait.untilAdmitted();
}

type WaitingTurn = Turn & { readonly kind: "waiting" };

/** One wait: what has been seen of the line, and what is watched. */
class Wait implements Disposable {
  readonly #entry: Entry;
  readonly #patience: Patience;
  readonly #scope: Scope;
  readonly #bell: Bell;
  readonly #ledger: OrphanLedger;
  readonly #watches: WatchSet;
  readonly #startedAt: number;
  readonly #onWaiting: () => void;
  /** When there has been no answer yet, it waits for that. */
  readonly #prompt: Alarm;
  #hasToldWaiting = false;
  /** Why we wait, as of the last look. */
  #turn: WaitingTurn | undefined;
  /** Whoever was just ahead has left, or may have: if it was the last, we are admitted by asking for it. */
  #mayBeFirst = false;
  /** Up to which revision of etcd the line has been seen. */
  #seenRevision = 0n;
  /** Whether it has been so far back that the one ahead may know of it, and admit it. */
  #mayBeAdmitted = false;
  /** The last view of the line in which we were not inside. */
  #outside: LineView;
  #follower: Follower | undefined;
  #handedOver: Admission | undefined;
  #glance: Alarm | undefined;
  #stepAside = (): void => {};

  constructor(entry: Entry, firstView: LineView, patience: Patience, scope: Scope, onWaiting: () => void) {
    this.#entry = entry;
    this.#outside = firstView;
    this.#patience = patience;
    this.#ledger = OrphanLedger.of(entry.session.client, entry.line.records.key);
    this.#scope = scope;
    this.#startedAt = entry.session.clock.now();
    this.#onWaiting = onWaiting;
    this.#prompt = entry.session.clock.schedule(promptMs, () => this.#tellLate());
    this.#bell = new Bell(entry.session.clock);
    this.#watches = new WatchSet(entry.session.client, {
      onConfirmed: (revision) => this.#catchUp(revision),
      onChange: (events) => this.#hear(events),
    });
  }

  [Symbol.dispose](): void {
    this.#prompt.cancel();
    this.#glance?.cancel();
    this.#stepAside();
    this.#watches.close();
  }

  async untilAdmitted(): Promise<Admission> {
    const { entry, fencingToken, touchedAt } = await this.#untilInside();
    return { entry, fencingToken, touchedAt, follower: this.#follower };
  }

  async #untilInside(): Promise<Admission> {
    let view = this.#outside;
    for (;;) {
      if (this.#handedOver !== undefined) return this.#handedOver;
      const turn = await this.#judge(view);
      if (turn.kind === "gone") throw new PlaceLostError("the entry is not in its line any more");
      if (turn.kind === "waiting") this.#tellWaiting();
      if (turn.kind === "waiting" && this.#patience === "only-now") this.#giveUp(turn);
      const outcome =
        turn.kind === "admitted"
          ? await this.#confirm({ kind: "rule", outlived: turn.outlived })
          : await this.#sitOut(turn);
      if (outcome.kind === "admitted") return outcome.admission;
      view = outcome.view;
    }
  }

  async #judge(view: LineView): Promise<Turn> {
    const clear = view.isBlurred ? await this.#read("wide") : view;
    this.#seenRevision = clear.revision;
    if (clear.records.every(({ suffix }) => suffix !== this.#entry.suffix)) this.#outside = clear;
    const now = this.#entry.session.clock.now();
    this.#ledger.observe(clear.records, now);
    return judgeTurn(this.#entry, clear, this.#ledger, now);
  }

  #giveUp({ outlivedAt }: WaitingTurn): never {
    const { line, session } = this.#entry;
    if (outlivedAt !== undefined) this.#ledger.remember(session.client, line.records.key, this.#outside.records);
    throw new NotAvailableError(`lock ${JSON.stringify(line.name)} is not to be had now`);
  }

  /** What a listener throws ends the wait. */
  #tellLate(): void {
    try {
      this.#tellWaiting();
    } catch (error) {
      this.#scope.abort(error);
    }
  }

  #tellWaiting(): void {
    if (this.#hasToldWaiting) return;
    this.#hasToldWaiting = true;
    this.#prompt.cancel();
    this.#onWaiting();
  }

  /** Waits until something may have changed, and looks again. */
  async #sitOut(turn: WaitingTurn): Promise<Confirmation> {
    const { clock } = this.#entry.session;
    this.#turn = turn;
    this.#standBehind(turn.justAhead);
    this.#mayBeAdmitted ||= this.#width === "narrow" && turn.isFarBack;
    this.#watches.set(this.#targets(turn));
    const readInMs = (turn.isNext ? readIntervalMs.next : readIntervalMs.others) * (0.8 + Math.random() / 5);
    const outlivedInMs = (turn.outlivedAt ?? Number.POSITIVE_INFINITY) - clock.now();
    await this.#bell.wait(Math.min(readInMs, outlivedInMs), this.#scope);
    if (this.#handedOver !== undefined) return { kind: "admitted", admission: this.#handedOver };
    if (!this.#mayBeFirst || this.#width === "wide") return { kind: "waiting", view: await this.#read(this.#width) };
    this.#mayBeFirst = false;
    return await this.#confirm({ kind: "nobody-ahead" });
  }

  /** When the one just ahead is of this process, it admits us as it leaves. */
  #standBehind(justAhead: OtherEntry | undefined): void {
    this.#stepAside();
    if (justAhead === undefined || this.#width === "wide") return;
    const admit = (admission: Admission): void => this.#admit(admission);
    this.#stepAside = standBehind(justAhead.key, { entry: this.#entry, admit, look: () => this.#bell.ring() });
  }

  get #isNext(): boolean {
    return this.#turn?.isNext === true;
  }

  get #keyAhead(): string | undefined {
    return this.#turn?.justAhead?.key;
  }

  get #width(): ViewWidth {
    return viewWidth(this.#entry.value);
  }

  /**
   * What stands in the way; after a while the own entry, and the touches by which the age of an orphan is told, once it is
   * one. Whoever of ours stands just ahead tells us as it leaves, and need not be watched.
   */
  #targets({ justAhead }: WaitingTurn): readonly WatchTarget[] {
    const { line, session } = this.#entry;
    const own = { key: entryKey(this.#entry) };
    if (this.#width === "wide") return [own, { ...line.entries, deletionsOnly: true }, line.records];
    if (justAhead === undefined) return [own, line.records];
    const ahead = session.owns(justAhead.suffix) ? [] : [{ key: justAhead.key, deletionsOnly: true }];
    const ownRecord = this.#mayBeAdmitted ? [{ key: recordKey(this.#entry) }] : [];
    const hasWaited = session.clock.now() - this.#startedAt >= readIntervalMs.next / 2;
    const others = hasWaited ? [own, { key: line.recordKey(justAhead.suffix) }] : [];
    return ahead.length + others.length === 0 ? [] : [...ahead, ...ownRecord, ...others];
  }

  /** Everything after `revision` is told; what came before, and after what we have seen, shows only when we look. */
  #catchUp(revision: bigint): void {
    if (this.#mayBeAdmitted && !this.#isNext) this.#lookIn(lookBackMs);
    else if (revision > this.#seenRevision) this.#look();
    else if (this.#turn?.isFarBack === false) this.#lookIn(glanceMs);
  }

  #lookIn(delayMs: number): void {
    this.#glance?.cancel();
    this.#glance = this.#entry.session.clock.schedule(delayMs, () => this.#look(), false);
  }

  #look(): void {
    this.#mayBeFirst ||= this.#isNext;
    this.#bell.ring();
  }

  #hear(events: readonly KeyEvent[]): void {
    const { line, session } = this.#entry;
    const touches = events.filter(({ kind, key }) => kind === "put" && line.suffixOfRecord(key) !== undefined);
    this.#ledger.observe(touches, session.clock.now());
    const admission = events.find((event) => this.#isAdmission(event));
    // When it was written is not known, but that it was not there yet when we last looked.
    if (admission !== undefined) this.#admit(admittedUnawares(this.#entry, admission, this.#outside.sentAt));
    const hasLeft = events.some(({ kind, key }) => kind === "delete" && key === this.#keyAhead);
    if (hasLeft) this.#mayBeFirst = true;
    if (hasLeft && this.#mayBeAdmitted) this.#lookIn(restMs);
    else if (events.some((event) => this.#isNews(event))) this.#bell.ring();
  }

  /** Whether the one ahead has written our hold record as it left. A late event may tell of an earlier one with the same key. */
  #isAdmission({ kind, key, leaseId, createRevision }: KeyEvent): boolean {
    const isOurs = key === recordKey(this.#entry) && leaseId === this.#entry.session.recordLeaseId;
    return kind === "put" && isOurs && createRevision > this.#outside.revision;
  }

  #admit(admission: Admission): void {
    this.#handedOver ??= admission;
    this.#bell.ring();
  }

  /** While an entry stands just ahead, only entries matter: that a record goes with its entry is no news of its own. */
  #isNews({ kind, key }: KeyEvent): boolean {
    if (key === recordKey(this.#entry)) return false;
    if (this.#entry.line.suffixOfRecord(key) === undefined) return true;
    return kind === "delete" && (this.#keyAhead === undefined || this.#width === "wide");
  }

  async #confirm(grounds: Grounds): Promise<Confirmation> {
    try {
      return await confirmAdmission(this.#entry, grounds, this.#outside.sentAt, this.#scope);
    } catch (error) {
      if (!(error instanceof EtcdRefusedError && error.status === "RESOURCE_EXHAUSTED")) throw error;
      // etcd takes no writes for lack of space: our place is kept, and we try again when it is next time to look.
      await sleep(this.#entry.session.clock, readIntervalMs.next, this.#scope);
      return { kind: "waiting", view: await this.#read(this.#width) };
    }
  }

  async #read(width: ViewWidth): Promise<LineView> {
    const { line, session, createRevision } = this.#entry;
    // Only who is exclusive can hand over.
    const follower = this.#width === "narrow" ? [readFollower(this.#entry)] : [];
    const success = [...follower, ...readView(this.#entry, width, createRevision)];
    const transaction = { compare: [], success, failure: [] };
    const options = { timeoutMs: Number.POSITIVE_INFINITY, tryTimeoutMs: session.tryTimeoutMs, signal: this.#scope };
    const answer = await session.client.transact(transaction, options);
    if (follower.length > 0) this.#follower = parseFollower(line, keyValuesOf(answer.results, 0));
    return parseView(this.#entry, width, answer.results, answer);
  }
}
