import { numbersPerTurn } from "./protocol.ts";

/** One time that somebody held a lock. Times are milliseconds after the beginning of the run. */
export interface Turn {
  /** Which of the processes. */
  readonly process: number;
  readonly askedAt: number;
  readonly startedAt: number;
  /** When release was called. */
  readonly releasingAt: number;
  /** When the release was done. */
  readonly releasedAt: number;
  /** 0 where there is none. */
  readonly token: number;
}

/** What was found wrong with the turns of one lock. */
export interface Check {
  readonly holds: number;
  /** How often somebody started before the one before had called release. */
  readonly overlaps: number;
  /** How often a fencing token was not larger than the one before. */
  readonly tokensOutOfOrder: number;
}

/** The turns of one process, as its program tells them. */
export function readTurns(process: number, numbers: readonly number[]): Turn[] {
  const turns: Turn[] = [];
  for (let index = 0; index < numbers.length; index += numbersPerTurn) {
    const at = (offset: number): number => (numbers[index + offset] ?? 0) / 1e6;
    turns.push({
      process,
      askedAt: at(0),
      startedAt: at(1),
      releasingAt: at(2),
      releasedAt: at(3),
      token: numbers[index + 4] ?? 0,
    });
  }
  return turns;
}

/** In the order in which the holders started. */
export function inOrder(turns: readonly Turn[]): Turn[] {
  return [...turns].sort((one, other) => one.startedAt - other.startedAt);
}

/** Each turn with the one before it. */
export function pairs(ordered: readonly Turn[]): (readonly [before: Turn, after: Turn])[] {
  return ordered.slice(1).flatMap((after, index) => {
    const before = ordered[index];
    return before === undefined ? [] : [[before, after] as const];
  });
}

/** Looks at the turns of one lock, of all processes, for two holders at a time. */
export function checkTurns(turns: readonly Turn[]): Check {
  const neighbours = pairs(inOrder(turns));
  const hasTokens = turns.some(({ token }) => token > 0);
  return {
    holds: turns.length,
    overlaps: neighbours.filter(([before, after]) => after.startedAt < before.releasingAt).length,
    tokensOutOfOrder: hasTokens ? neighbours.filter(([before, after]) => after.token <= before.token).length : 0,
  };
}

/** The sum of two checks. */
export function addChecks(one: Check, other: Check): Check {
  return {
    holds: one.holds + other.holds,
    overlaps: one.overlaps + other.overlaps,
    tokensOutOfOrder: one.tokensOutOfOrder + other.tokensOutOfOrder,
  };
}
