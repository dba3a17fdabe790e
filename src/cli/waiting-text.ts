import { formatDurationMs } from "../duration.ts";
import type { JsonValue, Line, LineEntry } from "../index.ts";
import { joinWords, shorten } from "./escape.ts";

const longestId = 40;
const longestCommand = 40;

/**
 * Whom the entry `ownKey` waits for, since when, and how many are ahead of it. `line` is `undefined` when etcd does not
 * answer.
 */
export function formatWaiting(line: Line | undefined, ownKey: string, waitedMs: number): string {
  const waiting = waitedMs < 1_000 ? "waiting" : `waiting ${formatDurationMs(waitedMs - (waitedMs % 1_000))}`;
  if (line === undefined) return `${waiting}; etcd does not answer`;
  const place = line.entries.findIndex(({ key }) => key === ownKey);
  const ahead = place === -1 ? line.entries : line.entries.slice(0, place);
  const [first] = ahead;
  return first === undefined ? `${waiting}, next in line` : `${waiting}, ${ahead.length} ahead: ${describe(first)}`;
}

/** The most important first: a narrow terminal cuts the rest off. */
function describe({ key, foreign, id, host, pid, since, state, metadata }: LineEntry): string {
  const owner = foreign || id === undefined ? `another client (${shorten(key, longestId)})` : shorten(id, longestId);
  const fate = state === "orphan" ? ", which died or was cut off" : "";
  const instant = since === undefined ? "" : ` since ${formatInstant(since)}`;
  const where = host === undefined || host === id ? "" : ` on ${shorten(host, longestId)}`;
  const details = [pid === undefined ? "" : `pid ${pid}${where}`, formatCommand(metadata)].filter(
    (part) => part !== "",
  );
  return owner + fate + instant + (details.length === 0 ? "" : ` (${details.join(": ")})`);
}

function formatCommand(metadata: Readonly<Record<string, JsonValue>> | undefined): string {
  const command = metadata?.command;
  if (!Array.isArray(command)) return "";
  return shorten(joinWords(command.filter((word) => typeof word === "string")), longestCommand);
}

/** The local time, with the date when that is not today's. */
function formatInstant(instant: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const time = [instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(two).join(":");
  if (instant.toDateString() === new Date().toDateString()) return time;
  return `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())} ${time}`;
}
