import { hostname } from "node:os";
import type { LockMode } from "./held-lock.ts";
import type { EntryValue, JsonValue } from "./line/entry-value.ts";
import {
  checkAtLeast,
  checkConnectTimeout,
  checkListener,
  checkMetadata,
  checkMode,
  checkOptions,
  checkPermits,
  checkRefreshInterval,
  checkSignal,
  checkTimeout,
  checkTtl,
} from "./lock-options.ts";
import { checkId } from "./owner-id.ts";

/** How to take a lock without waiting. */
export interface TryAcquireOptions {
  /** `shared` locks are held together, an `exclusive` one alone. `exclusive` by default. */
  readonly mode?: LockMode | undefined;
  /** A semaphore: at most so many hold the lock together. When two disagree, the smaller number wins. 1 by default. */
  readonly permits?: number | undefined;
  /**
   * How long etcd may be out of reach before the line has been entered, in milliseconds, or `Infinity`; the manager's by
   * default, and with a `timeout` no longer than that, or a second.
   */
  readonly connectTimeout?: number | undefined;
  /** Ends the call: it rejects with the signal's reason, and the line has been left. */
  readonly signal?: AbortSignal | undefined;
  /** What others see of this owner besides id, host and process id; up to 8 KiB of JSON. */
  readonly metadata?: Readonly<Record<string, JsonValue>> | undefined;
  /** In seconds; the manager's by default. */
  readonly ttl?: number | undefined;
  /** In milliseconds; the manager's by default, half the TTL if another `ttl` is given. */
  readonly refreshInterval?: number | undefined;
  /**
   * For how long nobody else gets the lock, counted from when it was acquired, in milliseconds, also when it is released
   * before, or when the process ends of itself. When the process is killed, and while etcd is out of reach at the release,
   * its lease alone keeps others out. 0 by default.
   */
  readonly atLeast?: number | undefined;
  /** Who we are, as people read it; the manager's by default. */
  readonly id?: string | undefined;
}

/** How to take a lock. */
export interface AcquireOptions extends TryAcquireOptions {
  /** How long to wait for the turn, in milliseconds; without limit by default. A lock that is free is taken all the same. */
  readonly timeout?: number | undefined;
  /** Called when the lock is not to be had at once, and its line has been entered. */
  readonly onWaiting?: ((waiting: Waiting) => void) | undefined;
}

/** Somebody is ahead of us in line. */
export interface Waiting {
  readonly name: string;
  /** The etcd key of our entry, by which it can be found in what `inspect` gives. */
  readonly key: string;
}

/** The name of this machine, asked for once. */
const host = hostname();

const leastConnectTimeoutMs = 1_000;

/** What a manager gives where the call gives nothing. */
export interface AcquireDefaults {
  readonly id: string;
  readonly ttl: number;
  readonly refreshInterval: number | undefined;
  readonly connectTimeoutMs: number;
}

/** {@link AcquireOptions}, checked and complete. */
export interface ResolvedAcquire {
  readonly value: EntryValue;
  readonly ttl: number;
  readonly refreshIntervalMs: number;
  readonly atLeastMs: number;
  readonly timeoutMs: number | undefined;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onWaiting: ((waiting: Waiting) => void) | undefined;
}

/** `proposal`: what a candidate in an election says. @throws TypeError, RangeError that name the option, what came and what is allowed. */
export function resolveAcquire(options: AcquireOptions, defaults: AcquireDefaults, proposal?: string): ResolvedAcquire {
  const ttl = checkTtl(checkOptions(options).ttl ?? defaults.ttl);
  const inherited = ttl === defaults.ttl ? defaults.refreshInterval : undefined;
  const { metadata } = options;
  const timeoutMs = checkTimeout("timeout", options.timeout);
  const mode = checkMode(options.mode);
  const permits = checkPermits(options.permits, mode);
  return {
    ttl,
    refreshIntervalMs: checkRefreshInterval(options.refreshInterval ?? inherited ?? (ttl * 1_000) / 2, ttl),
    atLeastMs: checkAtLeast(options.atLeast),
    timeoutMs,
    connectTimeoutMs:
      checkConnectTimeout(options.connectTimeout) ?? connectTimeoutFor(timeoutMs, defaults.connectTimeoutMs),
    signal: checkSignal(options.signal),
    onWaiting: checkListener("onWaiting", options.onWaiting),
    value: {
      id: checkId(options.id ?? defaults.id),
      host,
      pid: process.pid,
      since: Date.now(),
      // What the session gives is written over these. Before Node.js 22, adding to a copy would be dear.
      ttl,
      recordLease: undefined,
      limit: mode === "shared" ? Number.POSITIVE_INFINITY : permits,
      metadata: metadata === undefined ? undefined : checkMetadata(metadata),
      proposal,
    },
  };
}

/** Who does not want to wait long does not want to wait long for etcd either; but some time it needs. */
export function connectTimeoutFor(timeoutMs: number | undefined, defaultMs: number): number {
  return timeoutMs === undefined ? defaultMs : Math.min(defaultMs, Math.max(timeoutMs, leastConnectTimeoutMs));
}
