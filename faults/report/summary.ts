import { holdsByName } from "../checker/by-name.ts";
import type { Verdict } from "../checker/check-history.ts";
import type { Hold, Story } from "../checker/story.ts";
import { type Invariant, invariants, type Violation } from "../checker/violation.ts";
import { allFaults } from "../faults/all-faults.ts";

/** A kind of fault, and what there was of it. */
export interface FaultFigures {
  readonly fault: string;
  readonly inflicted: number;
  readonly skipped: number;
  /** Losses that were told while it lasted, or within a TTL after it. */
  readonly losses: number;
  /** Violations found while it lasted, or within a TTL after it. */
  readonly violations: number;
}

/** The figures of a run. Times are in milliseconds. */
export interface Summary {
  readonly command: string;
  readonly seed: number;
  readonly etcd: string;
  readonly isVoid: boolean;
  readonly starved: { readonly times: number; readonly longestMs: number };
  readonly seconds: number;
  readonly holds: number;
  readonly foreignHolds: number;
  readonly commandRuns: number;
  readonly attempts: number;
  readonly losses: Readonly<Record<string, number>>;
  readonly refusedWrites: number;
  readonly faultCount: number;
  readonly faults: readonly FaultFigures[];
  readonly invariants: readonly { readonly number: Invariant; readonly text: string; readonly violations: number }[];
  readonly violations: readonly Violation[];
  readonly excused: number;
  /** Between the last sign of life of a holder that was lost or killed, and the first of the next, at least. */
  readonly leastMarginMs: number | undefined;
  /** Foreign contenders that were inside together with somebody: nothing of ours prevents that. */
  readonly foreignOverlaps: number;
}

export function summarize(
  { story, violations, excused, isVoid }: Verdict,
  { words, seed, etcd }: { words: readonly string[]; seed: number; etcd: string },
): Summary {
  const own = story.holds.filter(({ attempt }) => attempt.family === "own");
  const others = words.filter((word, index) => word !== "--seed" && words[index - 1] !== "--seed");
  return {
    command: `npm run faults -- ${[...others, "--seed", seed].join(" ")}`,
    seed,
    etcd,
    isVoid,
    starved: {
      times: story.starved.length,
      longestMs: Math.max(0, ...story.starved.map(({ lengthMs }) => Math.round(lengthMs))),
    },
    seconds: Math.round((story.until - story.from) / 1_000),
    holds: own.length,
    foreignHolds: story.holds.length - own.length,
    commandRuns: own.filter(isCommand).length,
    attempts: story.attempts.size,
    losses: countLosses(own),
    refusedWrites: story.writes.filter(({ isAccepted }) => !isAccepted).length,
    faultCount: story.faults.length,
    faults: faultFigures(story, violations),
    invariants: numbers().map((number) => ({
      number,
      text: invariants[number],
      violations: violations.filter(({ invariant }) => invariant === number).length,
    })),
    violations,
    excused: excused.length,
    leastMarginMs: leastMargin(own),
    foreignOverlaps: countForeignOverlaps(story.holds),
  };
}

function numbers(): readonly Invariant[] {
  return [1, 2, 3, 4, 5, 6, 7];
}

function isCommand({ attempt }: Hold): boolean {
  return attempt.id === attempt.who;
}

function countLosses(holds: readonly Hold[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of holds.flatMap(({ losses }) => losses)) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

function faultFigures(
  { faults, skipped, holds, ttlMs }: Story,
  violations: readonly Violation[],
): readonly FaultFigures[] {
  const losses = holds.flatMap((hold) => hold.losses);
  return allFaults.map(({ name }) => {
    const spans = faults.filter(({ fault }) => fault === name);
    const isDuring = ({ at }: { readonly at: number }): boolean =>
      spans.some(({ from, until }) => at >= from && at <= until + ttlMs);
    return {
      fault: name,
      inflicted: spans.length,
      skipped: skipped.filter(({ fault }) => fault === name).length,
      losses: losses.filter(isDuring).length,
      violations: violations.filter(isDuring).length,
    };
  });
}

function leastMargin(holds: readonly Hold[]): number | undefined {
  let least = Number.POSITIVE_INFINITY;
  for (const line of holdsByName(holds.filter(({ limit }) => limit === 1)).values()) {
    for (const [index, next] of line.slice(1).entries()) {
      const before = line[index];
      const isUnclean =
        before !== undefined && (before.losses.length > 0 || (!isCommand(before) && before.leftAt === undefined));
      if (isUnclean) least = Math.min(least, next.from - before.until);
    }
  }
  return least === Number.POSITIVE_INFINITY ? undefined : Math.round(least * 10) / 10;
}

function countForeignOverlaps(holds: readonly Hold[]): number {
  let overlaps = 0;
  for (const line of holdsByName(holds).values()) {
    for (const [index, next] of line.slice(1).entries()) {
      const before = line[index];
      if (before === undefined || before.until <= next.from) continue;
      if (before.attempt.family === "foreign" || next.attempt.family === "foreign") overlaps += 1;
    }
  }
  return overlaps;
}
