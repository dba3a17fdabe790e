import type { HistoryEvent } from "../history/event.ts";
import { checkAdmission } from "./check-admission.ts";
import { checkLosses } from "./check-losses.ts";
import { checkOrder } from "./check-order.ts";
import { checkPlacesKept } from "./check-places.ts";
import { checkService } from "./check-service.ts";
import { checkTokens } from "./check-tokens.ts";
import { type Story, tellStory } from "./story.ts";
import type { Violation } from "./violation.ts";

/** What a history shows. */
export interface Verdict {
  readonly story: Story;
  /** All that was violated, and can be blamed on somebody. */
  readonly violations: readonly Violation[];
  /** What would be a violation on a machine that was not starved. */
  readonly excused: readonly Violation[];
  /** The machine was starved: that nothing was found proves nothing. */
  readonly isVoid: boolean;
}

/** Judges a history, whose events are in order of time, by the invariants 1 to 7. */
export function checkHistory(events: readonly HistoryEvent[]): Verdict {
  const story = tellStory(events);
  const found = [
    ...checkAdmission(story),
    ...checkTokens(story),
    ...checkOrder(story),
    ...checkPlacesKept(story),
    ...checkService(story),
    ...checkLosses(story),
    ...checkLeftovers(story),
  ].sort((a, b) => a.at - b.at);
  const isVoid = story.starved.length > 0;
  const isExcused = ({ isOfTime }: Violation): boolean => isVoid && isOfTime;
  return {
    story,
    violations: found.filter((violation) => !isExcused(violation)),
    excused: found.filter(isExcused),
    isVoid,
  };
}

/** Invariant 6. */
function checkLeftovers({ leftovers, isOver, until }: Story): readonly Violation[] {
  const found = leftovers.map(({ at, what, isOfTime }) => ({ at, text: what, isOfTime }));
  if (!isOver) found.push({ at: until, text: "the run did not come to its end", isOfTime: false });
  return found.map((each) => ({ ...each, invariant: 6, name: undefined, attempts: [] }));
}
