import { describeHold } from "./by-name.ts";
import { holdTimeMs, leaseTimeMs } from "./lease-time.ts";
import type { Hold, Story } from "./story.ts";
import type { Violation } from "./violation.ts";

/** So late may what is due be noticed, in milliseconds, by a process that runs. */
const noticeMs = 100;
/** So long may a command live after its locker was killed: the guardian kills it. */
const guardianMs = 500;

/** Invariant 5. */
export function checkLosses(story: Story): readonly Violation[] {
  return story.holds
    .filter(({ attempt }) => attempt.family === "own")
    .flatMap((hold) => [
      ...checkTelling(hold),
      ...checkProof(hold, story),
      ...checkTelledInTime(hold, story),
      ...checkCalm(hold, story),
      ...checkCommand(hold, story),
    ]);
}

function violation(hold: Hold, at: number, text: string, isOfTime = false): Violation {
  const { name, attempt } = hold;
  return { invariant: 5, at, name, attempts: [attempt.id], text: `${describeHold(hold)}: ${text}`, isOfTime };
}

function checkTelling(hold: Hold): readonly Violation[] {
  const { losses, released, until, from } = hold;
  const [loss, again] = losses;
  if (again !== undefined) return [violation(hold, again.at, `its loss was told ${losses.length} times`)];
  if (loss === undefined && released?.wasHeld === false) {
    return [violation(hold, released.at, "it was not held any more when it was given back, and no loss was told")];
  }
  if (loss !== undefined && until > Math.max(loss.at, from)) {
    return [
      violation(hold, until, `it believed to be inside ${(until - loss.at).toFixed(1)} ms after its loss was told`),
    ];
  }
  return [];
}

/** Nobody may believe to be inside for longer than the last touch is good that others could see. */
function checkProof(hold: Hold, story: Story): readonly Violation[] {
  const goodUntil = provedUntil(hold, story);
  if (goodUntil === undefined || hold.until <= goodUntil) return [];
  const lateMs = (hold.until - goodUntil).toFixed(1);
  return [
    violation(hold, hold.until, `it was inside ${lateMs} ms after the deadline of its last touch that etcd shows`),
  ];
}

/** `undefined` when not everything could be seen, or when etcd took no touches. */
function provedUntil(hold: Hold, story: Story): number | undefined {
  if (hold.key === undefined) return undefined;
  const end = hold.key.lastIndexOf("/");
  const touchedAt = story.touches.get(`${hold.key.slice(0, end)}!${hold.key.slice(end + 1)}`)?.at(-1);
  if (touchedAt === undefined) return undefined;
  if (story.blind.some((at) => at >= hold.from)) return undefined;
  const hasNoSpace = ({ fault, from, until }: Story["faults"][number]): boolean =>
    fault === "no-space" && from <= hold.until && until >= hold.from;
  if (story.faults.some(hasNoSpace)) return undefined;
  return touchedAt + holdTimeMs(hold.ttlMs);
}

/** A process that runs tells a loss before the lease can have ended. */
function checkTelledInTime(hold: Hold, story: Story): readonly Violation[] {
  const [loss] = hold.losses;
  const goodUntil = provedUntil(hold, story);
  if (loss?.reason !== "deadline" || goodUntil === undefined) return [];
  const dueAt = goodUntil + hold.ttlMs - holdTimeMs(hold.ttlMs);
  const gap = story.gaps.get(hold.attempt.who)?.find(({ from, until }) => from <= dueAt && until >= goodUntil);
  const lateMs = loss.at - Math.max(dueAt, gap?.until ?? 0) - noticeMs;
  return lateMs <= 0 ? [] : [violation(hold, loss.at, `its loss was told ${lateMs.toFixed(0)} ms too late`, true)];
}

/** When nothing is done to anybody, nobody loses a lock. */
function checkCalm(hold: Hold, { calms, ttlMs }: Story): readonly Violation[] {
  const [loss] = hold.losses;
  if (loss === undefined) return [];
  const isCalm = calms.some(({ from, until }) => loss.at > from + leaseTimeMs(ttlMs) && loss.at <= until);
  return isCalm ? [violation(hold, loss.at, `it was lost (${loss.reason}) though no fault lasted`, true)] : [];
}

/** A command is gone when its locker has ended, and soon after that was killed. */
function checkCommand(hold: Hold, { processes }: Story): readonly Violation[] {
  const { attempt, until } = hold;
  if (attempt.id !== attempt.who) return [];
  const changes = processes.get(attempt.who) ?? [];
  const killed = changes.find(({ change }) => change === "killed");
  if (killed !== undefined) {
    const lateMs = until - killed.at - guardianMs;
    return lateMs <= 0
      ? []
      : [violation(hold, until, `it lived ${Math.round(lateMs + guardianMs)} ms longer than its locker`, true)];
  }
  const ended = changes.find(({ change }) => change === "ended");
  if (ended === undefined || until <= ended.at) return [];
  return [violation(hold, until, `it lived ${(until - ended.at).toFixed(1)} ms longer than its locker`)];
}
