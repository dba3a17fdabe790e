import type { CallOptions, Transaction, TransactionAnswer } from "../etcd/etcd-client.ts";
import { createdAt, nested, remove, writtenAt } from "../etcd/transaction.ts";
import { type Application, type Entry, entryKey, recordKey } from "./entry.ts";

/** What {@link leaveLine} found. */
export type Left =
  /** The entry was ours until now, and is gone. */
  | "left"
  /** The entry had gone before, or is not ours any more. */
  | "was-gone";

/**
 * Leaves a line: removes the entry, if it is still as we left it, and its hold record. A holder must call it only when
 * nobody is inside any more.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: whether the line has been left is not known.
 */
export async function leaveLine(place: Application | Entry, options: CallOptions): Promise<Left> {
  const { session } = place;
  const answer = await session.client.transact(leaveTransaction(place), {
    tryTimeoutMs: session.tryTimeoutMs,
    ...options,
  });
  session.returnSuffix(place.suffix);
  // With an answer lost on the way, it may well have been us who removed the entry.
  return deletedEntry(answer) || answer.unsettled ? "left" : "was-gone";
}

/** Leaves a line as soon as etcd answers, or with the end of the session. */
export function leaveLineLater({ session, suffix }: Application): void {
  session.expectGhosts();
  session.returnSuffix(suffix);
}

function leaveTransaction(place: Application | Entry): Transaction {
  const key = entryKey(place);
  // Nobody else has keys with this suffix: what is not known to have been created can be removed by its name.
  const isOurs =
    "createRevision" in place ? [createdAt(key, place.createRevision), writtenAt(key, place.modRevision)] : [];
  return {
    compare: [],
    success: [nested({ compare: isOurs, success: [remove(key)], failure: [] }), remove(recordKey(place))],
    failure: [],
  };
}

function deletedEntry({ results }: TransactionAnswer): boolean {
  const outcome = results[0];
  if (outcome?.kind !== "transaction") return false;
  const removal = outcome.results[0];
  return removal?.kind === "delete" && removal.deleted > 0;
}
