import { longestDelayMs } from "./clock.ts";
import { formatDurationMs } from "./duration.ts";
import type { LockMode } from "./held-lock.ts";
import { mostLines } from "./line/enter-lines.ts";
import type { JsonValue } from "./line/entry-value.ts";
import { LineName } from "./line/line-name.ts";
import { show } from "./show.ts";

export const defaultTtl = 60;
const longestTtl = 1_000_000;
/** In bytes. */
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

/** @throws TypeError when they are no object. */
export function checkOptions<T extends object>(options: T): T {
  if (typeof options === "object" && options !== null) return options;
  throw new TypeError(`options must be an object; got ${show(options)}`);
}

/** @throws TypeError, RangeError. `undefined` when it is not given, `Infinity` for no limit. */
export function checkConnectTimeout(connectTimeout: unknown): number | undefined {
  if (connectTimeout === undefined) return undefined;
  return checkTimeout("connectTimeout", connectTimeout) ?? Number.POSITIVE_INFINITY;
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

/** @throws TypeError, RangeError. */
export function checkAtLeast(atLeast: unknown): number {
  if (atLeast === undefined) return 0;
  if (typeof atLeast !== "number")
    throw new TypeError(`atLeast must be a number of milliseconds; got ${show(atLeast)}`);
  if (atLeast >= 0 && atLeast <= longestTtl * 1_000) return atLeast;
  throw new RangeError(`atLeast must be from 0 to ${longestTtl * 1_000} milliseconds; got ${show(atLeast)}`);
}

/** @throws TypeError when it is no string, or empty. */
export function checkNonEmptyString(argument: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(`${argument} must be a string that is not empty; got ${show(value)}`);
}

/**
 * A copy, which stays as it is: it is written again at each renewal.
 *
 * @throws TypeError when it is no object, or not in JSON; RangeError when its JSON is too long.
 */
export function checkMetadata(metadata: unknown): Readonly<Record<string, JsonValue>> {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new TypeError(`metadata must be an object; got ${show(metadata)}`);
  }
  const text = toJson(metadata);
  if (!text?.startsWith("{")) throw new TypeError(`metadata must be an object in JSON, too; got ${show(text)}`);
  const bytes = Buffer.byteLength(text);
  if (bytes > longestMetadata) {
    throw new RangeError(`metadata must be at most ${longestMetadata} bytes of JSON; got ${bytes}`);
  }
  return JSON.parse(text);
}

function toJson(metadata: object): string | undefined {
  try {
    return JSON.stringify(metadata);
  } catch (cause) {
    throw new TypeError(`metadata must be what JSON can say; got ${show(metadata)}`, { cause });
  }
}

/** @throws TypeError when it is no string. */
export function checkString(option: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${option} must be a string; got ${show(value)}`);
}

/** @throws TypeError when it is neither an `AbortSignal` nor `undefined`. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(`signal must be an AbortSignal; got ${show(signal)}`);
}

/** @throws TypeError when it is neither a function nor `undefined`. */
export function checkListener<T>(option: string, listener: T): T {
  if (listener === undefined || typeof listener === "function") return listener;
  throw new TypeError(`${option} must be a function; got ${show(listener)}`);
}

/** @throws TypeError when it is no mode. */
export function checkMode(mode: unknown): LockMode {
  if (mode === undefined || mode === "exclusive" || mode === "shared") return mode ?? "exclusive";
  throw new TypeError(`mode must be "exclusive" or "shared"; got ${show(mode)}`);
}

/** @throws TypeError when it does not go with the mode; RangeError when it is no whole number from 1. */
export function checkPermits(permits: unknown, mode: LockMode): number {
  if (permits === undefined) return 1;
  if (mode === "shared") throw new TypeError(`permits cannot be given for a shared lock; got ${show(permits)}`);
  if (typeof permits === "number" && Number.isSafeInteger(permits) && permits >= 1) return permits;
  throw new RangeError(`permits must be a whole number, at least 1; got ${show(permits)}`);
}

/** @throws TypeError, RangeError: names are different strings, from one to {@link mostLines}. */
export function checkNames(names: unknown): readonly LineName[] {
  if (!Array.isArray(names)) throw new TypeError(`names must be an array of strings; got ${show(names)}`);
  if (names.length < 1 || names.length > mostLines) {
    throw new RangeError(`names must be 1 to ${mostLines} strings; got ${names.length}`);
  }
  const lines = names.map(checkName);
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  if (doubled !== undefined) throw new TypeError(`names must be different strings; got ${show(doubled)} twice`);
  return lines;
}

/** @throws TypeError when it is no string; RangeError when it is too long. */
export function checkName(name: unknown): LineName {
  if (typeof name !== "string") throw new TypeError(`name must be a string; got ${show(name)}`);
  return new LineName(name);
}
