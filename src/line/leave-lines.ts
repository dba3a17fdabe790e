import type { CallOptions, OperationResult, TransactionAnswer } from "../etcd/etcd-client.ts";
import {
  boundTo,
  type Comparison,
  createdAt,
  type Nested,
  nested,
  type Operation,
  put,
  remove,
  writtenAt,
} from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import { type Admission, type Application, type Entry, entryKey, recordKey, recordValue } from "./entry.ts";
import { giveBackPlace, type Successor } from "./hand-over.ts";

/** A place to be left, and who is admitted in the same step, if that is known. */
export interface Leaving {
  readonly place: Application | Entry;
  readonly handOver?: HandOver | undefined;
}

/** From an exclusive holder to the waiter just behind it. */
export interface HandOver {
  readonly from: Admission;
  readonly to: Successor;
}

/** Whether an entry was ours until we left its line. */
export type Left =
  /** It was, and is gone. */
  | "left"
  /** It had gone before, or is not ours any more. Unless a try before got no answer, and had been carried out. */
  | "was-gone";

/**
 * Leaves lines, in one transaction: removes each entry, if it is still as we left it, and its hold record. A holder must
 * call it only when nobody is inside any more.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: whether the lines have been left is not known.
 */
export async function leaveLines(
  session: Session,
  leavings: readonly Leaving[],
  options: CallOptions,
): Promise<readonly Left[]> {
  const [first] = leavings;
  const transaction = {
    ...(leavings.length === 1 && first !== undefined && { line: first.place.line.entries.key }),
    compare: [],
    success: leavings.map(leave),
    failure: [],
  };
  const answer = await session.client.transact(transaction, { tryTimeoutMs: session.tryTimeoutMs, ...options });
  return leavings.map((leaving, index) => {
    const left = readOutcome(leaving, answer, answer.results[index]);
    const { place } = leaving;
    const isClean = left === "left" && !answer.unsettled && "isSettled" in place && place.isSettled;
    giveBackPlace(session, place, isClean);
    return left;
  });
}

/** Leaves lines as soon as etcd answers, or with the end of the session. */
export function leaveLinesLater(session: Session, places: readonly Application[]): void {
  session.expectGhosts();
  for (const place of places) giveBackPlace(session, place);
}

function leave({ place, handOver }: Leaving): Nested {
  const removal = removePlace(place);
  if (handOver === undefined) return nested({ compare: [], success: removal, failure: [] });
  const { from, to } = handOver;
  return nested({
    // Nobody was ahead of the holder, and nobody is between the two: that the holder is still there is all it takes.
    compare: [
      ...isAsWeLeftIt(from.entry),
      createdAt(recordKey(from.entry), from.fencingToken),
      ...isAsWeLeftIt(to.entry),
      createdAt(recordKey(to.entry), 0n),
    ],
    success: [
      remove(entryKey(from.entry)),
      remove(recordKey(from.entry)),
      put(recordKey(to.entry), recordValue(to.entry), to.entry.session.recordLeaseId),
    ],
    failure: removal,
  });
}

/**
 * Nobody else has keys with this suffix: an entry that is not known as we last wrote it is ours while it is bound to our
 * leases. Whoever overwrites it binds it to others, or to none.
 */
function removePlace(place: Application | Entry): readonly Operation[] {
  const removeIf = (compare: readonly Comparison[]): Nested =>
    nested({ compare, success: [remove(entryKey(place))], failure: [] });
  if ("createRevision" in place) return [removeIf(isAsWeLeftIt(place)), remove(recordKey(place))];
  const leases = new Set([place.session, place.movingTo ?? place.session].map(({ leaseId }) => leaseId));
  return [...[...leases].map((leaseId) => removeIf([boundTo(entryKey(place), leaseId)])), remove(recordKey(place))];
}

function isAsWeLeftIt(entry: Entry): readonly Comparison[] {
  return [createdAt(entryKey(entry), entry.createRevision), writtenAt(entryKey(entry), entry.modRevision)];
}

function readOutcome({ handOver }: Leaving, answer: TransactionAnswer, result: OperationResult | undefined): Left {
  if (result?.kind !== "transaction") return "was-gone";
  if (handOver !== undefined && result.succeeded) {
    const { to } = handOver;
    to.admit({ entry: to.entry, fencingToken: answer.header.revision, touchedAt: answer.sentAt });
    return "left";
  }
  return result.results.some(isEntryRemoved) ? "left" : "was-gone";
}

function isEntryRemoved(removal: OperationResult): boolean {
  const outcome = removal.kind === "transaction" ? removal.results[0] : undefined;
  return outcome?.kind === "delete" && outcome.deleted > 0;
}
