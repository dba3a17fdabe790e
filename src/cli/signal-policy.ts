import type { PassedOnSignal } from "./host.ts";

/** A signal that etcdlocker received. */
export interface ReceivedSignal {
  readonly signal: PassedOnSignal;
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
}

/**
 * What a signal that arrives while a command runs does: it is passed on to the command; or not, since the command has
 * it already; or the command is killed at once, since somebody asks for its end again.
 */
export type SignalAction = "pass-on" | "ignore" | "kill";

/** `timeout` signals a process and then its group, `npm run` repeats the terminal's Ctrl-C: that is one signal. */
const echoMs = 100;

/** An interactive command lives through a Ctrl-C now and then: only two in this time ask for its end. */
const impatienceMs = 5_000;

/** Whether it asks a program to end. */
export function isEndingSignal(signal: PassedOnSignal): boolean {
  return signal !== "SIGUSR1" && signal !== "SIGUSR2";
}

/** Whether the terminal sends it to all processes in its foreground, the command among them. */
export function isTypedSignal(signal: PassedOnSignal): boolean {
  return signal === "SIGINT" || signal === "SIGQUIT";
}

/**
 * @param received the signal that has just arrived.
 * @param previous the ending signal before it, if any.
 * @param sharesTerminal whether the command has the terminal's signals directly.
 */
export function judgeSignal(
  received: ReceivedSignal,
  previous: ReceivedSignal | undefined,
  sharesTerminal: boolean,
): SignalAction {
  const { signal } = received;
  if (!isEndingSignal(signal)) return "pass-on";
  const sinceMs = previous === undefined ? Number.POSITIVE_INFINITY : received.at - previous.at;
  if (signal === previous?.signal && sinceMs < echoMs) return "ignore";
  // SIGHUP comes along with others, and twice, when a terminal is closed or the system ends a session.
  if (signal === "SIGHUP") return previous?.signal === "SIGHUP" && !sharesTerminal ? "kill" : "pass-on";
  const wasTyped = sharesTerminal && previous !== undefined && isTypedSignal(previous.signal);
  const isRepeated = previous !== undefined && previous.signal !== "SIGHUP" && !(wasTyped && sinceMs >= impatienceMs);
  if (isRepeated) return "kill";
  return sharesTerminal && isTypedSignal(signal) ? "ignore" : "pass-on";
}
