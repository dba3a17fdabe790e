import { constants } from "node:os";

/** An exit code of etcdlocker's own. */
export interface ExitCode {
  readonly code: number;
  /** In a few words. */
  readonly brief: string;
  readonly text: string;
}

/** The exit codes that are etcdlocker's own, and what they mean. */
export const exitCodes: Readonly<Record<"notAcquired" | "lost" | "childFailed" | "pingFailed" | "usage", ExitCode>> = {
  notAcquired: {
    code: 1,
    brief: "not to be had",
    text: "the lock could not be acquired, for example because etcd is out of reach",
  },
  lost: { code: 2, brief: "lost", text: "the lock was lost; the command has been ended" },
  childFailed: { code: 3, brief: "not started or killed", text: "the command could not be started, or not be killed" },
  pingFailed: { code: 4, brief: "no pong", text: "a Node.js module did not answer its ping as it should (-n)" },
  usage: { code: 64, brief: "wrong options", text: "the command line is wrong; etcd was not asked" },
};

/** How a process ended: by itself with a code, or by a signal. */
export type ProcessEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: NodeJS.Signals };

/** 128 + N, as shells say it. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** The code that says how a process ended. */
export function processExitCode(end: ProcessEnd): number {
  return end.kind === "exited" ? end.code : signalExitCode(end.signal);
}

/** What happened while a command ran under its lock. */
export interface Verdict {
  /** How the command ended; `undefined` when it, or what it started, could not be killed. */
  readonly end: ProcessEnd | undefined;
  /** The lock was lost, or could not be renewed in time. */
  readonly isLost: boolean;
  /** The module did not answer its ping. */
  readonly hasPingFailed: boolean;
  /** The signal that was to end etcdlocker, if any. */
  readonly endingSignal: NodeJS.Signals | undefined;
}

/** The exit code of a run: what endangers others comes first. */
export function runExitCode({ end, isLost, hasPingFailed, endingSignal }: Verdict): number {
  if (end === undefined) return exitCodes.childFailed.code;
  if (isLost) return exitCodes.lost.code;
  if (hasPingFailed) return exitCodes.pingFailed.code;
  return endingSignal === undefined ? processExitCode(end) : signalExitCode(endingSignal);
}
