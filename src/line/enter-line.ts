import type { Transaction } from "../etcd/etcd-client.ts";
import { createdAt, nested, put } from "../etcd/transaction.ts";
import { type Admission, type Application, type Entry, entryKey, recordKey } from "./entry.ts";
import { formatEntryValue } from "./entry-value.ts";
import { type LineView, parseView, readView, viewWidth } from "./line-view.ts";

/** The outcome of entering a line. */
export type Entered =
  | { readonly kind: "admitted"; readonly admission: Admission }
  | { readonly kind: "waiting"; readonly entry: Entry; readonly view: LineView };

/**
 * Enters a line, in one transaction: admitted at once when the line is empty, at its end otherwise.
 *
 * When it rejects, the entry may be there all the same, or appear later: leave the line, always.
 */
export async function enterLine(application: Application, timeoutMs: number, signal: AbortSignal): Promise<Entered> {
  const { session } = application;
  const startedAt = session.clock.now();
  const options = { timeoutMs, signal, tryTimeoutMs: session.tryTimeoutMs, onFailedTry: () => session.expectGhosts() };
  const answer = await session.client.transact(enterTransaction(application), options);
  const { revision } = answer.header;
  if (answer.succeeded) {
    const entry = { ...application, createRevision: revision, modRevision: revision };
    return { kind: "admitted", admission: { entry, fencingToken: revision, touchedAt: answer.sentAt } };
  }
  const outcome = answer.results[0];
  const view = parseView(
    application,
    viewWidth(application.value),
    outcome?.kind === "transaction" ? outcome.results : [],
  );
  const entry = {
    ...application,
    createRevision: view.own?.createRevision ?? 0n,
    modRevision: view.own?.modRevision ?? 0n,
  };
  const record = view.records.find(({ suffix }) => suffix === application.suffix);
  if (record === undefined) return { kind: "waiting", entry, view };
  // An earlier try was carried out, and its answer lost. What it proves dates from the sending of the first try.
  return { kind: "admitted", admission: { entry, fencingToken: record.createRevision, touchedAt: startedAt } };
}

function enterTransaction(application: Application): Transaction {
  const { line, session, value } = application;
  const { entries, records } = line;
  const text = formatEntryValue(value);
  const putEntry = put(entryKey(application), text, session.leaseId);
  const view = readView(application, viewWidth(value));
  return {
    compare: [createdAt(entries.key, 0n, entries.rangeEnd), createdAt(records.key, 0n, records.rangeEnd)],
    success: [putEntry, put(recordKey(application), text, session.recordLeaseId)],
    failure: [nested({ compare: [createdAt(entryKey(application), 0n)], success: [putEntry, ...view], failure: view })],
  };
}
