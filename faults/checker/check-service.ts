import { holdsByName } from "./by-name.ts";
import { leaseTimeMs } from "./lease-time.ts";
import type { Attempt, Hold, Span, Story } from "./story.ts";
import type { Violation } from "./violation.ts";

/** So long may a lock be free while somebody waits for it, in milliseconds, when no fault and no lease stands between. */
export const serviceLimitMs = 2_000;

/**
 * Invariant 4: in the calm after faults, when what was left of the dead has ended with its leases, or was outlived, no line
 * stands still while somebody waits in it.
 */
export function checkService(story: Story): readonly Violation[] {
  const byName = holdsByName(story.holds);
  const waiting = [...story.attempts.values()].filter(({ family }) => family === "own");
  return story.calms.flatMap((calm) => {
    const leasesEndAt = calm.from + leaseTimeMs(story.ttlMs);
    return waiting
      .flatMap((attempt) => waitsOf(attempt, story))
      .filter((wait) => lasts(clip(wait, { from: leasesEndAt, until: calm.until })))
      .flatMap((wait) => {
        const from = Math.max(leasesEndAt, outlivedAt(wait, story.records.get(wait.name) ?? [], story.ttlMs));
        const judged = clip(wait, { from, until: calm.until });
        return judge(wait, judged, byName.get(wait.name) ?? []);
      });
  });
}

/** Whoever comes to a record that somebody has left outlives it from when it first saw it, however old it was. */
function outlivedAt(wait: Wait, records: readonly Span[], ttlMs: number): number {
  const standing = records.filter(({ from, until }) => from <= wait.from && wait.from < until);
  return Math.max(...standing.map(({ until }) => Math.min(until, wait.from + leaseTimeMs(ttlMs))));
}

interface Wait extends Span {
  readonly attempt: Attempt;
  readonly name: string;
}

/** Who stands in several lines stands still in one while another moves: that is judged at the end of the run. */
function waitsOf(attempt: Attempt, { processes, until }: Story): readonly Wait[] {
  const [name, ...others] = attempt.names;
  if (name === undefined || others.length > 0) return [];
  const died = processes.get(attempt.who)?.find(({ change, at }) => change === "killed" && at >= attempt.requestedAt);
  const ends = [attempt.holds[0]?.from, attempt.ended?.at, died?.at, until].filter((at) => at !== undefined);
  return [{ attempt, name, from: attempt.requestedAt, until: Math.min(...ends) }];
}

function judge(wait: Wait, judged: Span, holds: readonly Hold[]): readonly Violation[] {
  const idle = longestIdle(judged, holds);
  if (!lasts(idle)) return [];
  const idleMs = Math.round(idle.until - idle.from);
  return [
    {
      ...{ invariant: 4, at: idle.from, name: wait.name, attempts: [wait.attempt.id], isOfTime: true },
      text: `nobody was inside for ${idleMs} ms, though ${wait.attempt.id} had waited for ${Math.round(idle.from - wait.from)} ms, and no fault lasted`,
    },
  ];
}

/** `holds` are in order of their beginnings. */
function longestIdle({ from, until }: Span, holds: readonly Hold[]): Span {
  let longest: Span = { from, until: from };
  let busyUntil = from;
  const note = (next: number): void => {
    if (next - busyUntil > longest.until - longest.from) longest = { from: busyUntil, until: next };
  };
  for (const hold of holds) {
    if (hold.from >= until) break;
    if (hold.from > busyUntil) note(hold.from);
    busyUntil = Math.max(busyUntil, hold.released?.at ?? hold.until);
  }
  note(until);
  return longest;
}

function lasts({ from, until }: Span): boolean {
  return until - from > serviceLimitMs;
}

function clip(span: Span, { from, until }: Span): Span {
  return { from: Math.max(span.from, from), until: Math.min(span.until, until) };
}
