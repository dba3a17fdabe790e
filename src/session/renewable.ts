import type { LossReason } from "../errors.ts";
import type { OperationResult, Transaction } from "../etcd/etcd-client.ts";

/** What a session keeps renewed for one lock that is held. */
export interface Renewable {
  /** How often to renew, in milliseconds. */
  readonly refreshIntervalMs: number;
  /** When the last touch that etcd committed was sent. */
  readonly touchedAt: number;
  /** The touch: rewrites the hold record, if entry and record are ours. */
  touch(): Transaction;
  /** The same conditions without the write. */
  check(): Transaction;
  /** The touch that was sent at `sentAt` is committed. */
  onTouched(sentAt: number): void;
  /** The lease has been renewed, and whatever was due has been touched, if that was possible. */
  onRoundEnd(): void;
  /** Entry or record is not ours any more. `results` are those of the transaction's `failure`. */
  onNotOurs(results: readonly OperationResult[]): void;
  /** The session has ended, and the lock with it. */
  onSessionEnd(reason: LossReason, explanation: string): void;
}
