import type { Verdict } from "../checker/check-history.ts";
import type { Hold, Story } from "../checker/story.ts";
import type { Summary } from "./summary.ts";

/** What is drawn in a line. Times are in milliseconds since the beginning of the run. */
export interface Bar {
  readonly kind: "own" | "command" | "foreign" | "wait";
  readonly from: number;
  readonly until: number;
  readonly who: string;
  /** For people. */
  readonly details: string;
  /** When a loss was told. */
  readonly lostAt?: number;
}

export interface LineOfBars {
  readonly name: string;
  readonly bars: readonly Bar[];
}

/** Everything that the page shows. */
export interface TimelineData {
  readonly summary: Summary;
  readonly lengthMs: number;
  readonly lines: readonly LineOfBars[];
  readonly faults: readonly {
    readonly fault: string;
    readonly note: string;
    readonly from: number;
    readonly until: number;
  }[];
  readonly calms: readonly { readonly from: number; readonly until: number }[];
  readonly starved: readonly number[];
  readonly violations: readonly { readonly at: number; readonly name: string | undefined; readonly text: string }[];
}

export function timelineData({ story, violations }: Verdict, summary: Summary): TimelineData {
  const since = (at: number): number => Math.round((Math.min(at, story.until) - story.from) * 10) / 10;
  const span = ({ from, until }: { from: number; until: number }) => ({ from: since(from), until: since(until) });
  return {
    summary,
    lengthMs: since(story.until),
    lines: drawLines(story, since),
    faults: story.faults.map((fault) => ({ fault: fault.fault, note: fault.note, ...span(fault) })),
    calms: story.calms.map(span),
    starved: story.starved.map(({ at }) => since(at)),
    violations: violations.map(({ at, name, text }) => ({ at: since(at), name, text })),
  };
}

function drawLines(story: Story, since: (at: number) => number): readonly LineOfBars[] {
  const bars = new Map<string, Bar[]>();
  const add = (name: string, bar: Bar): void => {
    const line = bars.get(name);
    if (line === undefined) bars.set(name, [bar]);
    else line.push(bar);
  };
  for (const hold of story.holds) add(hold.name, drawHold(hold, since));
  for (const { id, who, names, requestedAt, holds, ended } of story.attempts.values()) {
    const killed = story.processes.get(who)?.find(({ change, at }) => change === "killed" && at >= requestedAt);
    const until = holds[0]?.from ?? ended?.at ?? killed?.at ?? story.until;
    const details = holds.length > 0 ? "served" : `ended: ${ended?.reason.slice(0, 120) ?? "with its process"}`;
    for (const name of names) {
      add(name, { kind: "wait", from: since(requestedAt), until: since(until), who: id, details });
    }
  }
  const byName = [...bars].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  return byName.map(([name, line]) => ({ name, bars: line.sort((a, b) => a.from - b.from) }));
}

function drawHold(hold: Hold, since: (at: number) => number): Bar {
  const { attempt, token, limit, losses, released } = hold;
  const [loss] = losses;
  const isCommand = attempt.id === attempt.who;
  const held = Number.isFinite(limit) ? (limit === 1 ? "alone" : `up to ${limit}`) : "shared";
  const end = loss === undefined ? (released?.wasHeld === true ? "given back" : "ended") : `lost: ${loss.reason}`;
  return {
    kind: attempt.family === "foreign" ? "foreign" : isCommand ? "command" : "own",
    from: since(hold.from),
    until: since(hold.until),
    who: attempt.id,
    details: `token ${token}, ${held}, ${end}`,
    ...(loss !== undefined && { lostAt: since(loss.at) }),
  };
}
