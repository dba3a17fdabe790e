import type { Signal } from "../abort.ts";
import { EtcdRefusedError } from "../errors.ts";
import type { OperationResult, Transaction, TransactionAnswer } from "../etcd/etcd-client.ts";
import { createdAt, type Nested, nested, type Put, put } from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import {
  type Admission,
  type Application,
  admittedUnawares,
  type Entry,
  enteredAs,
  entryKey,
  recordKey,
} from "./entry.ts";
import { formatEntryValue } from "./entry-value.ts";
import { type LineView, parseView, readView, viewWidth } from "./line-view.ts";

/** The outcome of entering one line. */
export type Entered =
  | { readonly kind: "admitted"; readonly admission: Admission }
  | { readonly kind: "waiting"; readonly entry: Entry; readonly view: LineView };

/** So many lines can be entered at once: etcd takes 128 operations in one transaction, and each line needs two. */
export const mostLines = 60;

/**
 * Enters lines, different ones, in one transaction: admitted at once when all of them are empty, at their ends otherwise.
 * All the entries have one create revision, so that every line agrees on who of two comes first: no two can deadlock.
 *
 * When it rejects, the entries may be there all the same, or appear later: leave the lines, always.
 */
export async function enterLines(
  session: Session,
  applications: readonly Application[],
  timeoutMs: number,
  signal: Signal,
): Promise<readonly Entered[]> {
  const onFailedTry = (): void => session.expectGhosts();
  const options = { timeoutMs, signal, tryTimeoutMs: session.tryTimeoutMs, onFailedTry };
  try {
    const answer = await session.client.transact(enterTransaction(applications), options);
    return applications.map((application, index) =>
      answer.succeeded
        ? { kind: "admitted", admission: admittedAtOnce(application, answer) }
        : readOutcome(application, answer.results[index], answer),
    );
  } catch (error) {
    if (!(error instanceof EtcdRefusedError)) session.expectGhosts();
    throw error;
  }
}

function admittedAtOnce(application: Application, answer: TransactionAnswer): Admission {
  const { revision } = answer.header;
  const { sentAt, unsettled } = answer;
  return {
    entry: enteredAs(application, { createRevision: revision, modRevision: revision }, !unsettled),
    fencingToken: revision,
    touchedAt: sentAt,
  };
}

const neverWritten = { createRevision: 0n, modRevision: 0n };

function readOutcome(
  application: Application,
  outcome: OperationResult | undefined,
  answer: TransactionAnswer,
): Entered {
  const results = outcome?.kind === "transaction" ? outcome.results : [];
  const view = parseView(application, viewWidth(application.value), results, answer);
  const entry = enteredAs(application, view.own ?? neverWritten, !answer.unsettled);
  const record = view.records.find(({ suffix }) => suffix === application.suffix);
  if (record === undefined) return { kind: "waiting", entry, view };
  return { kind: "admitted", admission: admittedUnawares(entry, record) };
}

/** How a place is written. */
interface Puts {
  readonly application: Application;
  readonly entry: Put;
  readonly record: Put;
}

function enterTransaction(applications: readonly Application[]): Transaction {
  const [first] = applications;
  const places = applications.map(putPlace);
  return {
    line: applications.length === 1 ? first?.line.entries.key : undefined,
    compare: applications.flatMap(({ line: { entries, records } }) => [
      createdAt(entries.key, 0n, entries.rangeEnd),
      createdAt(records.key, 0n, records.rangeEnd),
    ]),
    success: places.flatMap(({ entry, record }) => [entry, record]),
    failure: places.map(enterBehindOthers),
  };
}

/** What is read shows the entry, too: etcd carries out one operation after the other. */
function enterBehindOthers({ application, entry }: Puts): Nested {
  const isAbsent = createdAt(entryKey(application), 0n);
  const enter = nested({ compare: [isAbsent], success: [entry], failure: [] });
  const view = readView(application, viewWidth(application.value));
  return nested({ compare: [], success: [enter, ...view], failure: [] });
}

/** Entry and record. They say the same, but for a candidate's. */
function putPlace(application: Application): Puts {
  const { session, value } = application;
  const text = formatEntryValue(value);
  return {
    application,
    entry: put(entryKey(application), value.proposal ?? text, session.leaseId),
    record: put(recordKey(application), text, session.recordLeaseId),
  };
}
