import type { Line, LineEntry } from "../../index.ts";
import { escapeText } from "../escape.ts";
import { commandOf, formatInstant, ownerOf } from "./entry-text.ts";
import type { Paper } from "./paper.ts";
import { type Column, formatTable } from "./table.ts";

/** All lines under a prefix, a row a name, with the first in line. */
export function formatList(prefix: string, lines: readonly Line[], paper: Paper): string[] {
  if (lines.length === 0) return [`no locks under ${JSON.stringify(escapeText(prefix))}`];
  return formatTable(columnsFor(paper), lines, paper);
}

function columnsFor(paper: Paper): readonly Column<Line>[] {
  const count = (line: Line, state: LineEntry["state"]): string =>
    String(line.entries.filter((entry) => entry.state === state).length);
  const ofFirst =
    (text: (entry: LineEntry) => string) =>
    ({ entries: [first] }: Line): string =>
      first === undefined ? "" : text(first);
  return [
    { title: "LOCK", text: ({ name }) => escapeText(name), least: 16 },
    { title: "HELD", align: "right", text: (line) => count(line, "holding") },
    { title: "WAITING", align: "right", text: (line) => count(line, "waiting"), dispensability: 1 },
    {
      title: "FIRST IN LINE",
      text: ofFirst((entry) => (entry.state === "orphan" ? `${ownerOf(entry)} (cut off)` : ownerOf(entry))),
      ink: ({ entries: [entry] }) => (entry?.state === "orphan" ? "red" : undefined),
      least: 13,
      dispensability: 2,
    },
    {
      title: "SINCE",
      text: ofFirst(({ since }) => (since === undefined ? "" : formatInstant(since, paper.now))),
      dispensability: 3,
    },
    { title: "COMMAND", text: ofFirst(commandOf), least: 12, dispensability: 4 },
  ];
}
