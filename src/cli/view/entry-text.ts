import type { LineEntry } from "../../index.ts";
import { escapeText, joinWords } from "../escape.ts";

/** What is said of an entry, harmless for a terminal. */

/** Who it is: its id, and its host when that is another word. */
export function ownerOf({ id, host }: LineEntry): string {
  if (id === undefined) return "another client";
  return escapeText(host === undefined || host === id ? id : `${id} on ${host}`);
}

/** What it runs; of another client, its key, by which it can be found. */
export function commandOf({ metadata, foreign, key }: LineEntry): string {
  const command = metadata?.command;
  if (Array.isArray(command)) return escapeText(joinWords(command.filter((word) => typeof word === "string")));
  return foreign ? escapeText(key) : "";
}

/** By which exactly this holder is meant: its fencing token; of another client, the create revision of its entry. */
export function tokenOf({ fencingToken, createRevision }: LineEntry): bigint {
  return fencingToken ?? createRevision;
}

/** The local time; with the date when that is not today's. */
export function formatInstant(instant: Date, now: Date): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const time = [instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(two).join(":");
  if (instant.toDateString() === now.toDateString()) return time;
  const day = `${two(instant.getMonth() + 1)}-${two(instant.getDate())}`;
  return `${instant.getFullYear()}-${day} ${time}`;
}
