import { formatDurationMs } from "../duration.ts";
import type { JsonValue, LineEntry } from "../index.ts";
import { joinWords, shorten } from "./escape.ts";
import type { Place } from "./place.ts";

const longestId = 40;
const longestCommand = 40;
const longestName = 40;

/**
 * For whom we have waited so long, since when they are there, and how many are ahead. `place` is `undefined` when etcd does
 * not answer.
 */
export function formatWaiting(place: Place | undefined, waitedMs: number): string {
  const waiting = waitedMs < 1_000 ? "waiting" : `waiting ${formatDurationMs(waitedMs - (waitedMs % 1_000))}`;
  if (place === undefined) return `${waiting}; etcd does not answer`;
  const where = place.name === undefined ? "" : ` for ${shorten(place.name, longestName)}`;
  const [first] = place.ahead;
  if (first === undefined) return `${waiting}${where}, next in line`;
  return `${waiting}${where}, ${place.ahead.length} ahead: ${describe(first)}`;
}

/** Who has the lock, for somebody who does not wait. */
export function formatConflict(place: Place | undefined): string {
  const [first] = place?.ahead ?? [];
  const lock = place?.name === undefined ? "the lock" : `the lock ${shorten(place.name, longestName)}`;
  if (first === undefined) return `${lock} is held by somebody else`;
  return `${lock} is ${first.state === "waiting" ? "wanted" : "held"} by ${describe(first)}`;
}

/** What became of a holder that is an orphan. */
export function formatDead(holder: LineEntry): string {
  const pid = holder.pid === undefined ? "" : `, pid ${holder.pid}`;
  return `the last holder (${ownerOf(holder)}${pid}) died or was cut off`;
}

/** The most important first: a narrow terminal cuts the rest off. */
function describe(entry: LineEntry): string {
  const { id, host, pid, since, state, metadata } = entry;
  const fate = state === "orphan" ? ", which died or was cut off" : "";
  // Since when it had the lock, not since when it is dead.
  const instant = since === undefined ? "" : ` since ${formatInstant(since)}`;
  const where = host === undefined || host === id ? "" : ` on ${shorten(host, longestId)}`;
  const details = [pid === undefined ? "" : `pid ${pid}${where}`, formatCommand(metadata)].filter(
    (part) => part !== "",
  );
  return ownerOf(entry) + instant + (details.length === 0 ? "" : ` (${details.join(": ")})`) + fate;
}

function ownerOf({ key, foreign, id }: LineEntry): string {
  return foreign || id === undefined ? `another client (${shorten(key, longestId)})` : shorten(id, longestId);
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
