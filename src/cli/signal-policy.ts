import type { PassedOnSignal } from "./host.ts";

/** A signal that etcdlocker received. */
export interface ReceivedSignal {
  readonly signal: PassedOnSignal;
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  /** It may be from the terminal, which then has sent it to the command too. */
  readonly mayBeTyped: boolean;
}

/** The last of each signal that came before. */
export type EarlierSignals = ReadonlyMap<PassedOnSignal, ReceivedSignal>;

/**
 * What a signal that arrives while a command runs does: it is passed on to the command; or not, since the command has
 * it already; or the command is killed at once, since somebody asks for its end again.
 */
export type SignalAction = "pass-on" | "ignore" | "kill";

/** `timeout` signals a process and then its group, `npm run` repeats the terminal's Ctrl-C: that is one signal. */
const echoMs = 100;

/** An interactive command lives through a Ctrl-C now and then: only two in this time ask for its end. */
const impatienceMs = 5_000;

/** Whether it asks a program to end. SIGHUP may ask a daemon to read its settings again: what it did, its end tells. */
export function isEndingSignal(signal: PassedOnSignal): boolean {
  return signal === "SIGTERM" || isTypedSignal(signal);
}

/** Whether the terminal sends it to all processes in its foreground, the command among them. */
export function isTypedSignal(signal: PassedOnSignal): boolean {
  return signal === "SIGINT" || signal === "SIGQUIT";
}

/** What the signal does that has just arrived. */
export function judgeSignal({ signal, at, mayBeTyped }: ReceivedSignal, earlier: EarlierSignals): SignalAction {
  if (signal === "SIGUSR1" || signal === "SIGUSR2") return "pass-on";
  if (at - (earlier.get(signal)?.at ?? Number.NEGATIVE_INFINITY) < echoMs) return "ignore";
  if (!isEndingSignal(signal)) return "pass-on";
  const hasAsked = [...earlier.values()].some(
    (before) => isEndingSignal(before.signal) && !(before.mayBeTyped && at - before.at >= impatienceMs),
  );
  if (hasAsked) return "kill";
  return mayBeTyped ? "ignore" : "pass-on";
}
