import type { AcquireOptions } from "./acquire-options.ts";
import type { Line } from "./line/inspect-line.ts";

/** One acquisition of a lock, whatever it is made of. */
export interface ProvidedLock {
  readonly fencingToken: bigint;
  /** Whether the lock is certainly held, right now. */
  readonly held: boolean;
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

/** What the class `Lock` needs: a `LockManager` on etcd's v3 API, or its like on the v2 API. */
export interface LockProvider {
  acquire(name: string, options: ProvidedAcquireOptions): Promise<ProvidedLock>;
  /** Another TTL, in seconds, for a lock that is held, and was provided here. */
  changeTtl(lock: ProvidedLock, ttl: number): Promise<void>;
  /** Who holds `name`, and who waits. */
  inspect(name: string): Promise<Line>;
}
