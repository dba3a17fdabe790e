import type { Signal } from "../abort.ts";
import type { Transaction } from "../etcd/etcd-client.ts";
import { type Comparison, createdAt, noneOlderThan, put, remove, writtenAt } from "../etcd/transaction.ts";
import { type Admission, admittedUnawares, type Entry, entryKey, recordKey, recordValue } from "./entry.ts";
import { type HoldRecord, type LineView, parseView, readView, viewWidth } from "./line-view.ts";

/** What an admission rests on. */
export type Grounds =
  /** Nobody is ahead in the very transaction: for an exclusive entry that saw the one ahead leave. */
  | { readonly kind: "nobody-ahead" }
  /** The admission rule, on a view of the line, which time can only confirm; and orphans that have been outlived. */
  | { readonly kind: "rule"; readonly outlived: readonly HoldRecord[] };

export type Confirmation =
  | { readonly kind: "admitted"; readonly admission: Admission }
  | { readonly kind: "waiting"; readonly view: LineView };

/**
 * Writes the hold record, if `grounds` hold: admitted from then on. Otherwise answers with the line as it is. It may turn
 * out that we are inside already, since `notBefore` at the earliest.
 */
export async function confirmAdmission(
  entry: Entry,
  grounds: Grounds,
  notBefore: number,
  signal: Signal,
): Promise<Confirmation> {
  const { session } = entry;
  const options = { timeoutMs: Number.POSITIVE_INFINITY, tryTimeoutMs: session.tryTimeoutMs, signal };
  const answer = await session.client.transact(confirmTransaction(entry, grounds), options);
  if (answer.succeeded) {
    return { kind: "admitted", admission: { entry, fencingToken: answer.header.revision, touchedAt: answer.sentAt } };
  }
  const view = parseView(entry, viewWidth(entry.value), answer.results, answer);
  const record = view.records.find(({ suffix }) => suffix === entry.suffix);
  if (record === undefined) return { kind: "waiting", view };
  return { kind: "admitted", admission: admittedUnawares(entry, record, notBefore) };
}

function confirmTransaction(entry: Entry, grounds: Grounds): Transaction {
  const outlived = grounds.kind === "rule" ? grounds.outlived : [];
  return {
    line: entry.line.entries.key,
    compare: [
      writtenAt(entryKey(entry), entry.modRevision),
      createdAt(recordKey(entry), 0n),
      ...(grounds.kind === "rule"
        ? outlived.map(({ key, modRevision }) => writtenAt(key, modRevision))
        : nobodyAhead(entry)),
    ],
    success: [
      put(recordKey(entry), recordValue(entry), entry.session.recordLeaseId),
      ...outlived.map(({ key }) => remove(key)),
    ],
    failure: readView(entry, viewWidth(entry.value), entry.createRevision),
  };
}

function nobodyAhead({ line, createRevision }: Entry): readonly Comparison[] {
  const { entries, records } = line;
  return [noneOlderThan(entries.key, entries.rangeEnd, createRevision), createdAt(records.key, 0n, records.rangeEnd)];
}
