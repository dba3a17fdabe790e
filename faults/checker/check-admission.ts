import { describeHold, holdsByName } from "./by-name.ts";
import type { Hold, Story } from "./story.ts";
import type { Violation } from "./violation.ts";

/**
 * Invariants 1 and 7: whoever is inside tolerates as many as are inside. Judged among our own: foreign contenders are under
 * the promise of the lease only.
 */
export function checkAdmission({ holds }: Story): readonly Violation[] {
  const ours = holds.filter(({ attempt, from, until }) => attempt.family === "own" && until > from);
  return [...holdsByName(ours).values()].flatMap(checkLine);
}

function checkLine(holds: readonly Hold[]): readonly Violation[] {
  const violations: Violation[] = [];
  const byEnd = holds.toSorted((a, b) => a.until - b.until);
  const inside = new Set<Hold>();
  let ended = 0;
  for (const hold of holds) {
    for (let next = byEnd[ended]; next !== undefined && next.until <= hold.from; next = byEnd[ended]) {
      inside.delete(next);
      ended += 1;
    }
    inside.add(hold);
    const strictest = [...inside].reduce((least, each) => (each.limit < least.limit ? each : least), hold);
    if (inside.size > strictest.limit) violations.push(describe(hold, strictest, [...inside]));
  }
  return violations;
}

function describe(hold: Hold, strictest: Hold, inside: readonly Hold[]): Violation {
  const other = strictest === hold ? (inside.find((each) => each !== hold) ?? hold) : strictest;
  const overlapMs = Math.min(hold.until, other.until) - hold.from;
  const isAlone = strictest.limit === 1;
  const text = isAlone
    ? `${describeHold(hold)} was inside together with ${describeHold(other)} for ${overlapMs.toFixed(1)} ms`
    : `${inside.length} were inside, and ${describeHold(strictest)} allows ${strictest.limit}`;
  const attempts = (isAlone ? [hold, other] : inside).map(({ attempt }) => attempt.id);
  const isSemaphore = inside.some(({ limit }) => limit !== 1);
  return { invariant: isSemaphore ? 7 : 1, at: hold.from, name: hold.name, attempts, text, isOfTime: false };
}
