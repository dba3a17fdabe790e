import { formatDurationMs } from "../../duration.ts";
import type { Line, LineEntry } from "../../index.ts";
import { escapeText } from "../escape.ts";
import { cutCell } from "./cell-width.ts";
import { commandOf, formatInstant, ownerOf, tokenOf } from "./entry-text.ts";
import { type Paper, paint } from "./paper.ts";
import { type Column, formatTable } from "./table.ts";

/** A line, and how long the leases of its entries have left, in seconds. */
export interface TimedLine {
  readonly line: Line;
  readonly ttlLeft: ReadonlyMap<bigint, number>;
}

/** The line of a name: a summary, and a row an entry. */
export function formatLine(timed: TimedLine, paper: Paper): string[] {
  const { name, entries } = timed.line;
  const title = cutCell(`${escapeText(name)}: ${summarize(entries)}`, paper.columns);
  if (entries.length === 0) return [title];
  return [paint(paper, "bold", title), ...formatTable(columnsFor(timed, paper), entries, paper)];
}

/** `free`, or how many hold it and wait. */
export function summarize(entries: readonly LineEntry[]): string {
  if (entries.length === 0) return "free";
  const count = (state: LineEntry["state"]): number => entries.filter((entry) => entry.state === state).length;
  const parts = [
    `held by ${count("holding")}`,
    ...(count("orphan") === 0 ? [] : [`${count("orphan")} cut off`]),
    `${count("waiting")} waiting`,
  ];
  return parts.join(", ");
}

function columnsFor({ ttlLeft }: TimedLine, paper: Paper): readonly Column<LineEntry>[] {
  return [
    { title: "#", align: "right", text: ({ position }) => String(position) },
    { title: "STATE", text: formatState, ink: inkOf },
    { title: "WHO", text: ownerOf, least: 12 },
    { title: "PID", align: "right", text: ({ pid }) => pid?.toString() ?? "", dispensability: 2 },
    {
      title: "SINCE",
      text: ({ since }) => (since === undefined ? "" : formatInstant(since, paper.now)),
      dispensability: 3,
    },
    { title: "TTL LEFT", align: "right", text: (entry) => formatTtlLeft(entry, ttlLeft), dispensability: 4 },
    {
      title: "TOKEN",
      align: "right",
      text: (entry) => (entry.state === "holding" ? String(tokenOf(entry)) : ""),
      dispensability: 1,
    },
    { title: "COMMAND", text: commandOf, least: 12, dispensability: 5 },
  ];
}

function formatState({ state, limit, until }: LineEntry): string {
  if (until !== undefined) return "kept";
  if (state === "orphan") return "cut off";
  if (limit === 1) return state;
  return `${state} (${limit === Number.POSITIVE_INFINITY ? "shared" : limit})`;
}

function inkOf({ state }: LineEntry): "green" | "red" | undefined {
  if (state === "waiting") return undefined;
  return state === "holding" ? "green" : "red";
}

function formatTtlLeft({ state, leaseId }: LineEntry, ttlLeft: ReadonlyMap<bigint, number>): string {
  // What is left of somebody whose entry is gone ends otherwise.
  if (state === "orphan") return "";
  if (leaseId === 0n) return "for ever";
  const seconds = ttlLeft.get(leaseId);
  return seconds === undefined ? "" : formatDurationMs(seconds * 1_000);
}
