import { inspect } from "node:util";
import { messageOf } from "./message-of.ts";

const longest = 80;

/** A file that cannot be read, and why: the path is shown as any value is, and once. */
export function showUnreadable(path: string, cause: unknown): string {
  const [why] = messageOf(cause).split(/, (?=open|stat|read)/);
  return `${show(path)}: ${why}`;
}

/** `value` as an error message shows it: on one line, and short. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const quoted = JSON.stringify(value);
    return quoted.length > longest ? `${quoted.slice(0, longest)}…"` : quoted;
  }
  const text = inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
