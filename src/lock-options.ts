import { longestDelayMs } from "./clock.ts";
import { formatDurationMs } from "./duration.ts";
import type { JsonValue } from "./line/entry-value.ts";
import { show } from "./show.ts";

export const defaultTtl = 60;
const longestTtl = 1_000_000;
const longestMetadata = 8_192;

/** @throws TypeError, RangeError that name the argument, what came and what is allowed. */
export function checkTtl(ttl: unknown): number {
  if (typeof ttl !== "number") throw new TypeError(`ttl must be a number of seconds; got ${show(ttl)}`);
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > longestTtl) {
    throw new RangeError(`ttl must be a whole number of seconds from 1 to ${longestTtl}; got ${show(ttl)}`);
  }
  return ttl;
}

/** @throws TypeError, RangeError: an interval must be shorter than the TTL. */
export function checkRefreshInterval(refreshInterval: unknown, ttl: number): number {
  if (typeof refreshInterval !== "number") {
    throw new TypeError(`refreshInterval must be a number of milliseconds; got ${show(refreshInterval)}`);
  }
  if (!(refreshInterval > 0 && refreshInterval < ttl * 1_000)) {
    const limits = `more than 0 and less than the ttl (${ttl} s = ${ttl * 1_000} ms)`;
    throw new RangeError(`refreshInterval must be ${limits}, in milliseconds; got ${show(refreshInterval)}`);
  }
  return refreshInterval;
}

/** @throws TypeError, RangeError. `undefined` means no limit. */
export function checkTimeout(option: string, timeout: unknown): number | undefined {
  if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return undefined;
  if (typeof timeout !== "number")
    throw new TypeError(`${option} must be a number of milliseconds; got ${show(timeout)}`);
  if (!(timeout >= 0 && timeout <= longestDelayMs)) {
    const longest = `${longestDelayMs} (${formatDurationMs(longestDelayMs)})`;
    throw new RangeError(`${option} must be from 0 to ${longest} milliseconds, or Infinity; got ${show(timeout)}`);
  }
  return timeout;
}

/** @throws TypeError when it is no string, or empty. */
export function checkNonEmptyString(argument: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(`${argument} must be a string that is not empty; got ${show(value)}`);
}

/** @throws TypeError when it is no object; RangeError when its JSON is too long. */
export function checkMetadata(metadata: unknown): Readonly<Record<string, JsonValue>> {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new TypeError(`metadata must be an object; got ${show(metadata)}`);
  }
  const { length } = JSON.stringify(metadata);
  if (length > longestMetadata) {
    throw new RangeError(`metadata must be at most ${longestMetadata} characters of JSON; got ${length}`);
  }
  return metadata as Record<string, JsonValue>;
}

/** @throws TypeError when it is neither an `AbortSignal` nor `undefined`. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(`signal must be an AbortSignal; got ${show(signal)}`);
}
