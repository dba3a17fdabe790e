import type { LossReason } from "../errors.ts";
import type { Comparison, KeyValue, Operation, OperationResult, Transaction } from "../etcd/transaction.ts";
import { boundTo, keyValuesOf, nested, put, range, remove } from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import { type Admission, type Entry, entryKey, entryText, recordKey, recordValue } from "./entry.ts";
import type { EntryValue } from "./entry-value.ts";
import type { LineName } from "./line-name.ts";
import { isHeld, isHeldAsWeLeftIt } from "./ownership.ts";

/** Rewrites the hold record, if entry and record are as we left them: the proof of a renewal. */
export function touchTransaction(admission: Admission): Transaction {
  const { entry } = admission;
  const touch = put(recordKey(entry), recordValue(entry), entry.session.recordLeaseId);
  return ifOurs(admission, [touch]);
}

/** The conditions of a touch, without the write. */
export function checkTransaction(admission: Admission): Transaction {
  return ifOurs(admission, []);
}

/** Writes another value into entry and record, and binds them to the leases of `session`. The place in line stays. */
export function rewriteTransaction(admission: Admission, session: Session, value: EntryValue): Transaction {
  const { entry } = admission;
  const rewritten = { ...entry, session, value };
  return ifOurs(admission, [
    put(entryKey(entry), entryText(value), session.leaseId),
    put(recordKey(entry), recordValue(rewritten), session.recordLeaseId),
  ]);
}

/**
 * Leaves the entry in its line on a lease of its own, and takes away the hold record: kept, though nobody is inside. What
 * it says may be being changed: ours is what is bound to one of `ownLeases`. The last results are those of a look at it.
 */
export function keepTransaction(
  admission: Admission,
  ownLeases: readonly bigint[],
  leaseId: bigint,
  until: number,
): Transaction {
  const { entry } = admission;
  const { proposal: _, ...value } = entry.value;
  const success = [put(entryKey(entry), entryText({ ...value, until }), leaseId), remove(recordKey(entry))];
  let keep: readonly Operation[] = [];
  for (const own of ownLeases) {
    const compare = [...isHeld(admission), boundTo(entryKey(entry), own)];
    keep = [nested({ compare, success, failure: keep })];
  }
  return { compare: [], success: [...keep, ...look(entry)], failure: [] };
}

/** Operations of the caller's, carried out only if entry and record are ours, whatever we may be writing into them. */
export function guardedTransaction(admission: Admission, { compare, success }: Guarded): Transaction {
  return { compare: [...isHeld(admission), ...compare], success, failure: look(admission.entry) };
}

/** @throws RangeError when one of `operations` would put a key into the line: an entry that nobody ever takes away. */
export function checkOutsideLine(line: LineName, operations: readonly Operation[]): void {
  for (const operation of operations) {
    if (operation.kind === "transaction") {
      checkOutsideLine(line, [...operation.transaction.success, ...operation.transaction.failure]);
    } else if (operation.kind === "put" && line.owns(operation.key)) {
      const [key, name] = [operation.key, line.name].map((text) => JSON.stringify(text));
      throw new RangeError(
        `key ${key} would stand in the line of the lock ${name}; use one that is not directly below it`,
      );
    }
  }
}

/** What to do while a lock is held, and on which further conditions. */
export interface Guarded {
  readonly compare: readonly Comparison[];
  readonly success: readonly Operation[];
}

function ifOurs(admission: Admission, success: readonly Operation[]): Transaction {
  return { compare: isHeldAsWeLeftIt(admission), success, failure: look(admission.entry) };
}

function look(entry: Entry): readonly Operation[] {
  return [range(entryKey(entry)), range(recordKey(entry), { keysOnly: true })];
}

/** Entry and record as the `failure` branch of these transactions read them. */
export interface Found {
  readonly entry: Pick<KeyValue, "value" | "createRevision" | "modRevision" | "leaseId"> | undefined;
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
  // An answer that was late may show an older state of our own; who overwrites us comes later.
  if (found.entry.modRevision > entry.modRevision) return entryOverwritten;
  return found.record?.createRevision === fencingToken ? undefined : recordGone;
}
