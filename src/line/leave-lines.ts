import type { CallOptions, OperationResult } from "../etcd/etcd-client.ts";
import { createdAt, type Nested, nested, remove, writtenAt } from "../etcd/transaction.ts";
import type { Session } from "../session/session.ts";
import { type Application, type Entry, entryKey, recordKey } from "./entry.ts";

/** Whether an entry was ours until we left its line. */
export type Left =
  /** It was, and is gone. */
  | "left"
  /** It had gone before, or is not ours any more. */
  | "was-gone";

/**
 * Leaves lines, in one transaction: removes each entry, if it is still as we left it, and its hold record. A holder must
 * call it only when nobody is inside any more.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: whether the lines have been left is not known.
 */
export async function leaveLines(
  session: Session,
  places: readonly (Application | Entry)[],
  options: CallOptions,
): Promise<readonly Left[]> {
  const transaction = { compare: [], success: places.map(removePlace), failure: [] };
  const answer = await session.client.transact(transaction, { tryTimeoutMs: session.tryTimeoutMs, ...options });
  for (const { suffix } of places) session.returnSuffix(suffix);
  // With an answer lost on the way, it may well have been us who removed an entry that is not there.
  return places.map((_, index) => (removedEntry(answer.results[index]) || answer.unsettled ? "left" : "was-gone"));
}

/** Leaves lines as soon as etcd answers, or with the end of the session. */
export function leaveLinesLater(session: Session, places: readonly Application[]): void {
  session.expectGhosts();
  for (const { suffix } of places) session.returnSuffix(suffix);
}

function removePlace(place: Application | Entry): Nested {
  const key = entryKey(place);
  // Nobody else has keys with this suffix: what is not known to have been created can be removed by its name.
  const isOurs =
    "createRevision" in place ? [createdAt(key, place.createRevision), writtenAt(key, place.modRevision)] : [];
  const removal = nested({ compare: isOurs, success: [remove(key)], failure: [] });
  return nested({ compare: [], success: [removal, remove(recordKey(place))], failure: [] });
}

function removedEntry(result: OperationResult | undefined): boolean {
  const removal = result?.kind === "transaction" ? result.results[0] : undefined;
  const outcome = removal?.kind === "transaction" ? removal.results[0] : undefined;
  return outcome?.kind === "delete" && outcome.deleted > 0;
}
