import { hostname } from "node:os";
import type { AcquireDefaults, AcquireOptions } from "./acquire-options.ts";
import type { EtcdOptions } from "./etcd/endpoints.ts";
import { checkConnectTimeout, checkRefreshInterval, checkTtl, defaultTtl } from "./lock-options.ts";
import { checkId } from "./owner-id.ts";

/** How a `LockManager` takes locks, unless a call says otherwise. */
export interface LockManagerSettings {
  /** Seconds after which a lock ends whose owner is gone; a whole number from 1 to 1,000,000. 60 by default. */
  readonly ttl?: number;
  /** How often held locks are renewed, in milliseconds. Half the TTL by default. */
  readonly refreshInterval?: number;
  /** Who we are, as people read it. The host's name by default. */
  readonly id?: string;
  /** How long etcd may be out of reach before a call that needs it rejects, in milliseconds, or `Infinity`. 10,000 by default. */
  readonly connectTimeout?: number;
}

export interface LockManagerOptions extends EtcdOptions, LockManagerSettings {}

export interface WatchOptions {
  /** Ends the iteration: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ElectOptions extends Omit<AcquireOptions, "mode" | "permits" | "atLeast"> {
  /** What we propose, for observers to see when we lead. */
  readonly value: string;
}

/** For how long etcd may be out of reach, in milliseconds, unless said otherwise. */
export const defaultConnectTimeoutMs = 10_000;

/** @throws TypeError, RangeError that name the option, what came and what is allowed. */
export function resolveSettings(settings: LockManagerSettings): AcquireDefaults {
  const { refreshInterval } = settings;
  const ttl = checkTtl(settings.ttl ?? defaultTtl);
  return {
    connectTimeoutMs: checkConnectTimeout(settings.connectTimeout) ?? defaultConnectTimeoutMs,
    id: checkId(settings.id ?? hostname()),
    ttl,
    refreshInterval: refreshInterval === undefined ? undefined : checkRefreshInterval(refreshInterval, ttl),
  };
}
