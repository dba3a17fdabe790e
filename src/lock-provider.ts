import type { AcquireOptions } from "./acquire-options.ts";
import type { Line } from "./line/inspect-line.ts";

/** One acquisition of a lock, whatever it is made of. */
export interface ProvidedLock {
  readonly fencingToken: bigint;
  /** The etcd lease that the lock ends with; 0 where etcd has none. */
  readonly leaseId: bigint;
  /** In seconds. */
  readonly ttl: number;
  /** Whether the lock is certainly held, right now. */
  readonly held: boolean;
  /** For how long it is certain without another renewal, in milliseconds; 0 when it is not held. */
  readonly remaining: number;
  /** Aborts with a `LockLostError` when the lock is lost. */
  readonly signal: AbortSignal;
  /** Renews now; `refreshInterval`, in milliseconds, changes how often from now on. */
  renew(options?: { readonly refreshInterval?: number }): Promise<void>;
  /** Gives the lock back. Whether it was held until then. */
  release(): Promise<boolean>;
}

/** What every provider can be asked. */
export type ProvidedAcquireOptions = Pick<
  AcquireOptions,
  "signal" | "timeout" | "ttl" | "id" | "refreshInterval" | "connectTimeout" | "onWaiting" | "metadata"
>;

/** What the class `Lock` and the command need: a `LockManager` on etcd's v3 API, or its like on the v2 API. */
export interface LockProvider {
  acquire(name: string, options: ProvidedAcquireOptions): Promise<ProvidedLock>;
  /** Another TTL, in seconds, for a lock that is held, and was provided here. */
  changeTtl(lock: ProvidedLock, ttl: number): Promise<void>;
  /** Who holds `name`, and who waits. */
  inspect(name: string): Promise<Line>;
  on(event: "renewed", listener: () => void): unknown;
  on(event: "renewalFailed", listener: (failure: { readonly error: Error }) => void): unknown;
  off(event: "renewed", listener: () => void): unknown;
  off(event: "renewalFailed", listener: (failure: { readonly error: Error }) => void): unknown;
  close(): Promise<void>;
}
