import { show } from "./show.ts";

/** In characters. Entries say it, and what is far longer than people read is not read by others either. */
export const longestId = 4_096;

/** @throws TypeError when it is no string, or empty; RangeError when it is too long. */
export function checkId(id: unknown): string {
  if (typeof id !== "string" || id === "") {
    throw new TypeError(`id must be a string that is not empty; got ${show(id)}`);
  }
  if (id.length > longestId) throw new RangeError(`id must be at most ${longestId} characters; got ${id.length}`);
  return id;
}
