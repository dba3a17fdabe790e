/** Somebody's wish to be inside: one call of `acquire`, one run of a command. Written `<who>/<number>`. */
export type AttemptId = string;

interface Base {
  /** CLOCK_MONOTONIC, in milliseconds. */
  readonly at: number;
}

interface OfAttempt extends Base {
  readonly attempt: AttemptId;
}

interface OfLine extends OfAttempt {
  readonly name: string;
}

/** Who is who: `own` heed what the library says; `foreign` are under the lease's promise only. */
export type Family = "own" | "foreign";

/** Somebody begins to want locks. From here on, `who` is the process that would have to be alive. */
export interface Requested extends OfAttempt {
  readonly kind: "requested";
  readonly who: string;
  readonly names: readonly string[];
  readonly family: Family;
}

/** A line has been entered, and somebody is ahead. */
export interface Waiting extends OfLine {
  readonly kind: "waiting";
  /** The entry in etcd. */
  readonly key: string;
}

/** Somebody is inside, and knows it. */
export interface Entered extends OfLine {
  readonly kind: "entered";
  readonly token: string;
  /** With how many it can be inside; `null` for any number. */
  readonly limit: number | null;
  /** The entry in etcd, if it is known. */
  readonly key: string | undefined;
  /** The place in line, if it is known. */
  readonly createRevision: string | undefined;
  readonly ttlSeconds: number;
}

/** Somebody who is inside had every reason to believe so at this instant. */
export interface Believed extends OfLine {
  readonly kind: "believed";
  /** A command's own descendant. */
  readonly pid?: number;
}

/** A loss was told. */
export interface Lost extends OfLine {
  readonly kind: "lost";
  readonly reason: string;
}

/** Whoever was inside stopped to be, before the lock was given back. */
export interface Left extends OfLine {
  readonly kind: "left";
}

/** What giving back has come to: `null` when that failed. */
export interface Released extends OfLine {
  readonly kind: "released";
  readonly wasHeld: boolean | null;
}

/** Nothing more comes of an attempt: a wait that was given up or rejected, or the end of a command. */
export interface Ended extends OfAttempt {
  readonly kind: "ended";
  readonly reason: string;
}

/** A resource took or refused a write, as its owner saw it. */
export interface Written extends OfLine {
  readonly kind: "written";
  readonly token: string;
  readonly isAccepted: boolean;
  /** Whether the writer believed to be inside both before it wrote and after it had the answer. */
  readonly wasInside: boolean;
}

/** A process came, or is gone; `kill` and `freeze` are ours. */
export interface ProcessChanged extends Base {
  readonly kind: "process";
  readonly who: string;
  readonly pid: number;
  readonly change: "started" | "killed" | "frozen" | "thawed" | "ended";
}

/** A process did not run for a while, as it noticed when it ran again. */
export interface Gap extends Base {
  readonly kind: "gap";
  readonly who: string;
  readonly lengthMs: number;
}

/** A fault, from its beginning to when it was healed. */
export interface FaultEvent extends Base {
  readonly kind: "fault";
  readonly number: number;
  readonly fault: string;
  readonly phase: "injected" | "healed" | "skipped";
  readonly note: string;
}

/** All faults have healed, and none follows for a while. */
export interface Calm extends Base {
  readonly kind: "calm";
  readonly until: number;
}

/** A hold record was seen to be written. */
export interface Touched extends Base {
  readonly kind: "touched";
  readonly key: string;
}

/** A hold record was seen to be deleted. */
export interface Erased extends Base {
  readonly kind: "erased";
  readonly key: string;
}

/** What has been written may not all have been seen. */
export interface Blind extends Base {
  readonly kind: "blind";
  readonly why: string;
}

/** The machine gave nothing to a process that only wanted to look at the clock. */
export interface Starved extends Base {
  readonly kind: "starved";
  readonly lengthMs: number;
}

/** What there was at the end, in words. */
export interface Leftover extends Base {
  readonly kind: "leftover";
  readonly what: string;
  /** It may have needed more time. */
  readonly isOfTime: boolean;
}

/** The run itself. */
export interface RunMark extends Base {
  readonly kind: "run";
  readonly mark: "begun" | "drained" | "over";
  readonly ttlSeconds: number;
}

export type HistoryEvent =
  | Requested
  | Waiting
  | Entered
  | Believed
  | Lost
  | Left
  | Released
  | Ended
  | Written
  | ProcessChanged
  | Gap
  | FaultEvent
  | Calm
  | Touched
  | Erased
  | Blind
  | Starved
  | Leftover
  | RunMark;
