import { EtcdRefusedError } from "../errors.ts";
import type { Session } from "../session/session.ts";
import { entryKey } from "./entry.ts";
import { asFollower } from "./follower.ts";
import { giveBackPlace, successorOf } from "./hand-over.ts";
import type { Hold } from "./hold.ts";
import { type EndingHold, KeptEntry } from "./kept-entry.ts";
import { type HandOver, type LeaveOptions, type Left, leaveLines, leaveLinesLater } from "./leave-lines.ts";

/**
 * Leaves the line of a hold, unless its entry is to be kept.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError: then the line is left, or the entry kept, as soon as etcd does that.
 */
export async function leaveHold(ending: EndingHold, options: LeaveOptions): Promise<Left> {
  const doubt = new Doubt(options);
  if (ending.keepForMs > 0) return doubt.judge(await keepOrLeave(ending, doubt.options));
  const [left = "was-gone"] = await leaveTogether(ending.hold.session, [ending.hold], doubt.options);
  return doubt.judge(left);
}

/** As {@link leaveHold}, for several: those of one session in one transaction. */
export async function leaveHolds(endings: readonly EndingHold[], options: LeaveOptions): Promise<readonly Left[]> {
  const doubt = new Doubt(options);
  const left = new Map<Hold, Left>();
  const leaving = endings.filter(({ keepForMs }) => keepForMs <= 0).map(({ hold }) => hold);
  const leave = async (session: Session): Promise<void> => {
    const together = leaving.filter((hold) => hold.session === session);
    const outcomes = await leaveTogether(session, together, doubt.options);
    for (const [index, hold] of together.entries()) left.set(hold, outcomes[index] ?? "was-gone");
  };
  const keep = async (ending: EndingHold): Promise<void> => {
    left.set(ending.hold, await keepOrLeave(ending, doubt.options));
  };
  const settled = await Promise.allSettled([
    ...[...new Set(leaving.map(({ session }) => session))].map(leave),
    ...endings.filter(({ keepForMs }) => keepForMs > 0).map(keep),
  ]);
  for (const outcome of settled) if (outcome.status === "rejected") throw outcome.reason;
  return endings.map(({ hold }) => doubt.judge(left.get(hold) ?? "was-gone"));
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

/** The line is left only when etcd has said that the entry is not ours: what was promised is kept, as well as it can be. */
async function keepOrLeave(ending: EndingHold, options: LeaveOptions): Promise<Left> {
  const { hold } = ending;
  const { session } = hold;
  const giveUpAt = session.clock.now() + options.timeoutMs;
  const kept = new KeptEntry(ending);
  try {
    if (await kept.keep(options)) return "left";
  } catch (error) {
    session.addChore(kept);
    throw error;
  }
  const timeoutMs = giveUpAt - session.clock.now();
  const [left = "was-gone"] = await leaveTogether(session, [hold], { ...options, timeoutMs });
  return left;
}
