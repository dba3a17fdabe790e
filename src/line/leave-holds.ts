import { EtcdRefusedError } from "../errors.ts";
import { grantLease } from "../session/lease-pair.ts";
import type { Session } from "../session/session.ts";
import { entryKey } from "./entry.ts";
import { asFollower } from "./follower.ts";
import { giveBackPlace, successorOf } from "./hand-over.ts";
import type { Hold } from "./hold.ts";
import { keepTransaction, readFound } from "./hold-transactions.ts";
import { type HandOver, type LeaveOptions, type Left, leaveLines, leaveLinesLater } from "./leave-lines.ts";

/** A hold that ends, and for how long its entry is to be kept in line after that. */
export interface EndingHold {
  readonly hold: Hold;
  readonly keepForMs: number;
}

/**
 * Leaves the line of a hold, unless its entry is to be kept.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: then the line is left as soon as etcd answers.
 */
export async function leaveHold(ending: EndingHold, options: LeaveOptions): Promise<Left> {
  const doubt = new Doubt(options);
  if (ending.keepForMs > 0 && (await keepEntry(ending, doubt.options))) return "left";
  const [left = "was-gone"] = await leaveTogether(ending.hold.session, [ending.hold], doubt.options);
  return doubt.judge(left);
}

/** As {@link leaveHold}, for several: those of one session in one transaction. */
export async function leaveHolds(ending: readonly EndingHold[], options: LeaveOptions): Promise<readonly Left[]> {
  const doubt = new Doubt(options);
  const areKept = await Promise.all(ending.map((each) => each.keepForMs > 0 && keepEntry(each, doubt.options)));
  const leaving = ending.filter((_, index) => areKept[index] !== true).map(({ hold }) => hold);
  const left = new Map<Hold, Left>(ending.map(({ hold }) => [hold, "left"]));
  const sessions = [...new Set(leaving.map((hold) => hold.session))];
  const settled = await Promise.allSettled(
    sessions.map(async (session) => {
      const together = leaving.filter((hold) => hold.session === session);
      const outcomes = await leaveTogether(session, together, doubt.options);
      for (const [index, hold] of together.entries()) left.set(hold, outcomes[index] ?? "was-gone");
    }),
  );
  for (const outcome of settled) if (outcome.status === "rejected") throw outcome.reason;
  return [...left.values()].map((each) => doubt.judge(each));
}

/**
 * Whether an answer was lost on the way, to whichever of the requests that leaving may take: then it may well have been us
 * who removed an entry that is not there.
 */
class Doubt {
  readonly options: LeaveOptions;
  #isThere = false;

  constructor({ timeoutMs }: LeaveOptions) {
    const onFailedTry = (): void => {
      this.#isThere = true;
    };
    this.options = { timeoutMs, onFailedTry };
  }

  judge(left: Left): Left {
    return this.#isThere ? "left" : left;
  }
}

async function leaveTogether(
  session: Session,
  holds: readonly Hold[],
  options: LeaveOptions,
): Promise<readonly Left[]> {
  try {
    const outcomes = await leaveHandingOver(session, holds, options);
    for (const { sessions, admission } of holds) {
      for (const each of sessions) if (each !== session) giveBackPlace(each, admission.entry);
    }
    return outcomes;
  } catch (error) {
    for (const hold of holds) for (const each of hold.sessions) leaveLinesLater(each, [hold.place]);
    throw error;
  }
}

/** A hand-over is a write on another's behalf: where etcd refuses it, the line is left without. */
function leaveHandingOver(session: Session, holds: readonly Hold[], options: LeaveOptions): Promise<readonly Left[]> {
  const leavings = holds.map((hold) => ({ place: hold.place, handOver: handOverOf(hold) }));
  const left = leaveLines(session, leavings, options);
  if (leavings.every(({ handOver }) => handOver === undefined)) return left;
  return left.catch((error: unknown) => {
    if (!(error instanceof EtcdRefusedError)) throw error;
    // A try before the one that was refused may have got no answer, and may be carried out late.
    const places = leavings.map(({ place }) => ({ place: { ...place, isSettled: false } }));
    return leaveLines(session, places, options);
  });
}

/** Only an exclusive holder knows that whoever is just behind it is next. */
function handOverOf({ admission, place, session }: Hold): HandOver | undefined {
  const isSettled = place === admission.entry;
  if (!isSettled || place.value.limit !== 1) return undefined;
  const successor = successorOf(session.client, entryKey(place));
  const to = successor === undefined ? admission.follower : asFollower(successor.entry);
  return to === undefined ? undefined : { from: admission, to, successor };
}

/**
 * Moves the entry to a lease of its own, which nobody renews: it goes when the time is over, with us or without. Whether
 * that was done; unless it was, the line is to be left.
 */
async function keepEntry({ hold, keepForMs }: EndingHold, options: LeaveOptions): Promise<boolean> {
  const { admission, session } = hold;
  try {
    const lease = await grantLease(session.client, Math.ceil(keepForMs / 1_000), options);
    const ownLeases = hold.sessions.map(({ leaseId }) => leaseId);
    const transaction = keepTransaction(admission, ownLeases, lease.id, Math.ceil(Date.now() + keepForMs));
    const { results } = await session.client.transact(transaction, { tryTimeoutMs: session.tryTimeoutMs, ...options });
    const isKept = readFound(results.slice(-2)).entry?.leaseId === lease.id;
    if (isKept) giveBack(hold);
    return isKept;
  } catch {
    // Then the line is left, or it turns out that etcd is out of reach.
    return false;
  }
}

function giveBack({ sessions, admission }: Hold): void {
  for (const session of sessions) giveBackPlace(session, admission.entry);
}
