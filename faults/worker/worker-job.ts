import type { Account } from "../run/accounts.ts";

/** What a worker is told when it is started: one word of its command line, as JSON. */
export interface WorkerJob {
  /** Its name in the history. */
  readonly who: string;
  readonly endpoints: readonly string[];
  readonly ttlSeconds: number;
  readonly seed: number;
  /** So many take turns at the same time. */
  readonly callers: number;
  readonly names: LockNames;
  /** What it takes its locks with. */
  readonly locks:
    | { readonly kind: "etcd-lock"; readonly library: string }
    | { readonly kind: "etcd3"; readonly packages: string };
  /** Who it is to etcd, if that wants to know. */
  readonly user: Account | undefined;
  /** The file for its history. */
  readonly history: string;
  /** The socket of the resource that checks fencing tokens. */
  readonly resource: string;
}

/** What there is to lock. */
export interface LockNames {
  /** Taken by the library only, one at a time. */
  readonly exclusive: readonly string[];
  /** Taken by the library only, several in one step. */
  readonly several: readonly string[];
  /** Taken by everybody: the library, the command, foreign contenders. */
  readonly mixed: readonly string[];
  /** By readers and writers. */
  readonly shared: readonly string[];
  /** By up to three, or two. */
  readonly permits: readonly string[];
  /** By the library, one at a time, for longer than a TTL. */
  readonly kept: readonly string[];
  /** By the command only. */
  readonly jobs: readonly string[];
}

/** What a worker is told later: lines of JSON on its standard input. */
export type WorkerOrder =
  /** Compute, and let nothing else run. */
  | { readonly kind: "block"; readonly ms: number }
  /** Have the wall clock show another time. */
  | { readonly kind: "shift-wall-clock"; readonly byMs: number }
  /** Leave no file descriptor free for a while. */
  | { readonly kind: "use-up-descriptors"; readonly ms: number }
  /** Have so many wait in one line for a while. */
  | { readonly kind: "crowd"; readonly name: string; readonly count: number; readonly ms: number }
  /** Begin nothing new, finish what was begun, and end. */
  | { readonly kind: "drain" };
