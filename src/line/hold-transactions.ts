import type { LossReason } from "../errors.ts";
import type { Comparison, Operation, OperationResult, Transaction } from "../etcd/transaction.ts";
import { createdAt, keyValuesOf, put, range, writtenAt } from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import { type Admission, type Entry, entryKey, recordKey, recordValue } from "./entry.ts";
import { formatEntryValue } from "./entry-value.ts";

/** Rewrites the hold record, if entry and record are as we left them: the proof of a renewal. */
export function touchTransaction({ entry, fencingToken }: Admission): Transaction {
  const touch = put(recordKey(entry), recordValue(entry), entry.session.recordLeaseId);
  return ifOurs(entry, fencingToken, [touch]);
}

/** The conditions of a touch, without the write. */
export function checkTransaction({ entry, fencingToken }: Admission): Transaction {
  return ifOurs(entry, fencingToken, []);
}

/** Binds entry and record to the leases of another session, and says its TTL. The place in line stays. */
export function moveTransaction({ entry, fencingToken }: Admission, session: Session): Transaction {
  const moved = { ...entry, session, value: { ...entry.value, ttl: session.ttl } };
  return ifOurs(entry, fencingToken, [
    put(entryKey(entry), formatEntryValue(moved.value), session.leaseId),
    put(recordKey(entry), recordValue(moved), session.recordLeaseId),
  ]);
}

function ifOurs(entry: Entry, fencingToken: bigint, success: readonly Operation[]): Transaction {
  const compare: readonly Comparison[] = [
    createdAt(entryKey(entry), entry.createRevision),
    writtenAt(entryKey(entry), entry.modRevision),
    createdAt(recordKey(entry), fencingToken),
  ];
  const look = [entryKey(entry), recordKey(entry)].map((key) => range(key, { keysOnly: true }));
  return { compare, success, failure: look };
}

/** Entry and record as the `failure` branch of these transactions read them. */
export interface Found {
  readonly entry:
    | { readonly createRevision: bigint; readonly modRevision: bigint; readonly leaseId: bigint }
    | undefined;
  readonly record: { readonly createRevision: bigint } | undefined;
}

export function readFound(results: readonly OperationResult[]): Found {
  return { entry: keyValuesOf(results, 0)[0], record: keyValuesOf(results, 1)[0] };
}

/** A loss: the reason as a word, and in words. */
export type Loss = readonly [reason: LossReason, explanation: string];

/** The losses that others inflict. */
export const entryDeleted: Loss = ["entry-deleted", "its entry in etcd was deleted, or its lease ended, from outside"];
export const entryOverwritten: Loss = ["entry-overwritten", "its entry in etcd was overwritten from outside"];
export const recordGone: Loss = ["record-gone", "its hold record in etcd was removed from outside"];

/** Why what was found is not ours; `undefined` when it is. */
export function explainLoss({ entry, fencingToken }: Admission, found: Found): Loss | undefined {
  if (found.entry?.createRevision !== entry.createRevision) return entryDeleted;
  if (found.entry.modRevision !== entry.modRevision) return entryOverwritten;
  return found.record?.createRevision === fencingToken ? undefined : recordGone;
}
