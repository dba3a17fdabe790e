/**
 * How the conductor and the programs under measurement talk: one JSON object a line, on the program's standard input and
 * output. The programs in Go speak the same (`peers/go/main.go`). A program ends when its standard input does.
 */

/** What a program is to do, as its one argument. */
export interface Job {
  readonly peer: string;
  /** `host:port` of every member of etcd. */
  readonly endpoints: readonly string[];
  readonly redisPort: number;
  /** Folder whose `node_modules` has the other npm packages. */
  readonly packages: string;
  /** What to lock; each caller has `<name>/<number>` unless the lock is shared. */
  readonly name: string;
  /** Whether all callers want the same lock. */
  readonly isShared: boolean;
  readonly callers: number;
  /** How long each turn holds the lock, in milliseconds. */
  readonly holdMs: number;
  /** How often to take and give back locks that nobody else wants, before anything is measured, and for how long at most. */
  readonly warmUp: { readonly turns: number; readonly limitMs: number };
  /** When the first caller asks first, after the beginning of a run, in milliseconds. */
  readonly startDelayMs: number;
  /** How much later than the one before each further caller asks first, in milliseconds. */
  readonly startStepMs: number;
}

/** What a program is told. Times are CLOCK_MONOTONIC in nanoseconds, which all processes of a machine share. */
export type Command =
  /** Take and give back locks, from `atNs` until `untilNs`. Answered by `turns`. */
  | { readonly kind: "run"; readonly atNs: number; readonly untilNs: number }
  /** Take so many locks, and keep them. Answered by `holding`. */
  | { readonly kind: "hold"; readonly count: number };

/** What a program answers. */
export type Report =
  | { readonly kind: "ready" }
  /** {@link numbersPerTurn} numbers a turn. */
  | { readonly kind: "turns"; readonly turns?: readonly number[] }
  | { readonly kind: "holding" }
  | { readonly kind: "failed"; readonly message: string };

/**
 * A turn is told in five numbers: when the lock was asked for, when the holder started, when it called release, and when
 * the release was done, in nanoseconds after `atNs`; and the fencing token, 0 where there is none.
 */
export const numbersPerTurn = 5;
