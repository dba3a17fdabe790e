import type { CallOptions, OperationResult, Transaction, TransactionAnswer } from "../etcd/etcd-client.ts";
import { boundTo, type Comparison, createdAt, nested, put, remove } from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import { type Admission, type Application, type Entry, entryKey, recordKey } from "./entry.ts";
import type { Follower } from "./follower.ts";
import { giveBackPlace, type Successor } from "./hand-over.ts";
import { isAsWeLeftIt, isAsWritten, isHeldAsWeLeftIt } from "./ownership.ts";

/** A place to be left, and who is admitted in the same step, if that is known. */
export interface Leaving {
  readonly place: Application | Entry;
  readonly handOver?: HandOver | undefined;
}

/** From an exclusive holder to the waiter just behind it. */
export interface HandOver {
  readonly from: Admission;
  readonly to: Follower;
  /** The same, when it is of this process. */
  readonly successor: Successor | undefined;
}

/** For how long to try, and whom to tell of each try that got no answer. */
export type LeaveOptions = Pick<CallOptions, "timeoutMs" | "onFailedTry">;

/** Whether an entry was ours until we left its line. */
export type Left =
  /** It was, and is gone. */
  | "left"
  /** It had gone before, or is not ours any more. Unless a try before got no answer, and had been carried out. */
  | "was-gone";

/** What came of one transaction, sent by itself or as a part of another. */
type Outcome = Pick<TransactionAnswer, "succeeded" | "results">;

/**
 * Leaves lines, in one transaction: removes each entry, if it is still as we left it, and its hold record. A holder must
 * call it only when nobody is inside any more.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: whether the lines have been left is not known.
 */
export async function leaveLines(
  session: Session,
  leavings: readonly Leaving[],
  { timeoutMs, onFailedTry }: LeaveOptions,
): Promise<readonly Left[]> {
  const options = { timeoutMs, onFailedTry, tryTimeoutMs: session.tryTimeoutMs };
  const [first] = leavings;
  const isAlone = first !== undefined && leavings.length === 1;
  const transaction = isAlone ? leaveAlone(first) : leaveTogether(leavings);
  const answer = await session.client.transact(transaction, options);
  return leavings.map((leaving, index) => {
    const left = readOutcome(leaving, answer, isAlone ? answer : answer.results[index]);
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

function leaveAlone(leaving: Leaving): Transaction {
  const { compare, success, failure } = leave(leaving);
  return { line: leaving.place.line.entries.key, isLeaving: true, compare, success, failure };
}

function leaveTogether(leavings: readonly Leaving[]): Transaction {
  return { compare: [], success: leavings.map((leaving) => nested(leave(leaving))), failure: [] };
}

function leave({ place, handOver }: Leaving): Transaction {
  const removal = removePlace(place);
  if (handOver === undefined) return removal;
  const { from, to } = handOver;
  return {
    // Nobody was ahead of the holder, and nobody is between the two: that the holder is still there is all it takes.
    compare: [...isHeldAsWeLeftIt(from), ...isAsWritten(to.entryKey, to), createdAt(to.recordKey, 0n)],
    success: [
      remove(entryKey(from.entry)),
      remove(recordKey(from.entry)),
      put(to.recordKey, to.recordText, to.recordLeaseId),
    ],
    failure: [nested(removal)],
  };
}

/** Removes the entry if it is ours, and its record in any case: it is nobody else's. */
function removePlace(place: Application | Entry): Transaction {
  const [entry, record] = [remove(entryKey(place)), remove(recordKey(place))];
  const [isOurs, ...others] = claims(place);
  let removal: Transaction = { compare: isOurs, success: [entry, record], failure: [record] };
  for (const compare of others) removal = { compare, success: [entry, record], failure: [nested(removal)] };
  return removal;
}

/**
 * By what an entry is known to be ours, one or the other. Nobody else has keys with this suffix: one that is not known as we
 * last wrote it is ours while it is bound to our leases. Whoever overwrites it binds it to others, or to none.
 */
function claims(place: Application | Entry): readonly [readonly Comparison[], ...(readonly Comparison[])[]] {
  if ("createRevision" in place) return [isAsWeLeftIt(place)];
  const { session, movingTo } = place;
  const isOn = ({ leaseId }: Session): readonly Comparison[] => [boundTo(entryKey(place), leaseId)];
  return movingTo === undefined || movingTo === session ? [isOn(session)] : [isOn(session), isOn(movingTo)];
}

function readOutcome(
  { handOver }: Leaving,
  answer: TransactionAnswer,
  outcome: Outcome | OperationResult | undefined,
): Left {
  if (outcome === undefined || !("succeeded" in outcome)) return "was-gone";
  if (handOver !== undefined && outcome.succeeded) {
    const { successor } = handOver;
    successor?.admit({ entry: successor.entry, fencingToken: answer.header.revision, touchedAt: answer.sentAt });
    return "left";
  }
  return isEntryRemoved(outcome) ? "left" : "was-gone";
}

function isEntryRemoved({ succeeded, results: [first] }: Outcome): boolean {
  if (succeeded) return first?.kind === "delete" && first.deleted > 0;
  return first?.kind === "transaction" && isEntryRemoved(first);
}
