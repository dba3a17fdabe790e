import type { AcquireOptions, Line, TryAcquireOptions } from "../index.ts";

/** One of the locks that a command runs under. */
export interface CommandLock {
  readonly fencingToken: bigint;
  /** No other hold has it. */
  readonly leaseId: bigint;
  /** In seconds. */
  readonly ttl: number;
  renew(): Promise<void>;
}

/** The locks that a command runs under: `HeldLocks`, or their like on etcd's v2 API. */
export interface CommandLocks {
  readonly names: readonly string[];
  /** Aborts when the first of them is lost. */
  readonly signal: AbortSignal;
  /** Whether all of them are certainly held, right now. */
  readonly held: boolean;
  /** For how long they are certain without another renewal, in milliseconds. */
  readonly remaining: number;
  get(name: string): CommandLock;
  /** Whether all of them were held until then. */
  release(): Promise<boolean>;
}

/** What the command needs of a `LockManager`. */
export interface CommandManager {
  acquireAll(names: readonly string[], options: AcquireOptions): Promise<CommandLocks>;
  tryAcquireAll(names: readonly string[], options: TryAcquireOptions): Promise<CommandLocks | null>;
  inspect(name: string): Promise<Line>;
  on(event: "renewed" | "atRisk", listener: (told: { readonly lock: object }) => void): unknown;
  on(event: "renewalFailed", listener: (told: { readonly error: Error }) => void): unknown;
  off(event: "renewed" | "atRisk", listener: (told: { readonly lock: object }) => void): unknown;
  off(event: "renewalFailed", listener: (told: { readonly error: Error }) => void): unknown;
  close(): Promise<void>;
}
