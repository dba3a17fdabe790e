import type { DeadlineAlarm, Due } from "../deadline-alarm.ts";
import type { KeyEvent, OperationResult, Transaction, Watch, WatchListener } from "../etcd/etcd-client.ts";
import { nested } from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import { type Admission, entryKey } from "./entry.ts";

/** A hold, as far as its watch is concerned. */
export interface WatchedHold {
  readonly admission: Admission;
  readonly session: Session;
  /** The conditions of the hold. */
  check(): Transaction;
  /** They do not hold; `results` are those of the transaction's `failure`. */
  onNotOurs(results: readonly OperationResult[]): void;
  onEntryChange(events: readonly KeyEvent[]): void;
}

/** A hold of less than this is not watched, in milliseconds: opening the watch would cost more than the lock. */
const delayMs = 100;

/** The watch on the entry of a hold: what others do to it is heard at once, and not only when it is next renewed. */
export class EntryWatch implements Due, WatchListener {
  readonly dueAt: number;
  readonly #hold: WatchedHold;
  readonly #delays: DeadlineAlarm;
  #watch: Watch | undefined;

  constructor(hold: WatchedHold) {
    const { clock, watchDelays } = hold.session;
    this.dueAt = clock.now() + delayMs;
    this.#hold = hold;
    this.#delays = watchDelays;
    this.#delays.add(this);
  }

  close(): void {
    this.#delays.remove(this);
    this.#watch?.close();
  }

  onDue(): void {
    this.#delays.remove(this);
    const { admission, session } = this.#hold;
    this.#watch = session.client.watch({ key: entryKey(admission.entry) }, this);
  }

  onConfirmed(): void {
    void this.#checkNow();
  }

  onChange(events: readonly KeyEvent[]): void {
    this.#hold.onEntryChange(events);
  }

  /** What happened before the watch stood, or while it was interrupted, shows in a read. */
  async #checkNow(): Promise<void> {
    const { client, tryTimeoutMs, ended } = this.#hold.session;
    const transaction = { compare: [], success: [nested(this.#hold.check())], failure: [] };
    try {
      const options = { timeoutMs: tryTimeoutMs * 2, tryTimeoutMs, signal: ended };
      const [result] = (await client.transact(transaction, options)).results;
      if (result?.kind === "transaction" && !result.succeeded) this.#hold.onNotOurs(result.results);
    } catch {
      // The next renewal looks at the same keys.
    }
  }
}
