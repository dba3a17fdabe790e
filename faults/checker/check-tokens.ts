import { describeHold, holdsByName } from "./by-name.ts";
import { Largest } from "./largest.ts";
import type { Hold, Span, Story } from "./story.ts";
import type { Violation } from "./violation.ts";

/**
 * Invariant 2: who enters after another has left has a larger token; the resource takes all that comes from inside. A
 * foreign contender does not count that was inside while a hold record of ours stood: it had been let in wrongly.
 */
export function checkTokens({ holds, writes, attempts, records }: Story): readonly Violation[] {
  const counted = holds.filter((hold) => !isIntruder(hold, records.get(hold.name) ?? []));
  const refused = writes.filter(
    ({ isAccepted, wasInside, attempt }) => !isAccepted && wasInside && attempts.get(attempt)?.family === "own",
  );
  return [
    ...[...holdsByName(counted).values()].flatMap(checkLine),
    ...refused.map(
      ({ at, name, attempt, token }): Violation => ({
        ...{ invariant: 2, at, name, attempts: [attempt], isOfTime: false },
        text: `a write of ${attempt} (token ${token}), who was inside, was refused: somebody had written with a larger token`,
      }),
    ),
  ];
}

function isIntruder({ attempt, until }: Hold, records: readonly Span[]): boolean {
  return attempt.family === "foreign" && records.some((record) => record.from < until && until < record.until);
}

/** Of those who can be inside together, one may learn later than another that it has been let in. */
function checkLine(line: readonly Hold[]): readonly Violation[] {
  const violations: Violation[] = [];
  const holds = line.filter(({ from, until }) => until > from);
  const byEnd = holds.toSorted((a, b) => a.until - b.until);
  const gone = new Largest();
  let ended = 0;
  for (const hold of holds) {
    for (let next = byEnd[ended]; next !== undefined && next.until < hold.from; next = byEnd[ended]) {
      gone.add(next);
      ended += 1;
    }
    const larger = hold.attempt.family === "own" ? gone.above(hold) : undefined;
    if (larger === undefined) continue;
    violations.push({
      ...{ invariant: 2, at: hold.from, name: hold.name, isOfTime: false },
      attempts: [hold.attempt.id, larger.attempt.id],
      text: `${describeHold(hold)} entered after ${describeHold(larger)} had left`,
    });
  }
  return violations;
}
