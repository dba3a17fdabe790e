import { constants } from "node:os";
import { formatDurationMs } from "../duration.ts";
import { type Settings, wrong } from "./settings.ts";
import { defaultKillAfterMs, stopAfterMs } from "./stop-timing.ts";

/** What happens to the command when its lock is at risk, or lost. */
export type LossPolicy = "term" | "kill" | "pause";

/** How a command is made to end. */
export interface Ending {
  readonly onLost: LossPolicy;
  /** What asks it to end. */
  readonly stopSignal: NodeJS.Signals;
  /** Between the stop signal and SIGKILL, in milliseconds. */
  readonly killAfterMs: number;
}

/** How long a command has to end when the lock is lost, in milliseconds. */
export function lossGraceMs({ onLost, killAfterMs }: Ending): number {
  return onLost === "kill" ? 0 : killAfterMs;
}

/** @throws UsageError that names the option, what came and what is allowed. */
export function readEnding(settings: Settings, ttlSeconds: number): Ending {
  const allowed = "a duration, for example 10 (seconds), 500ms, 30s or 5m; 0 for SIGKILL at once";
  return {
    onLost: settings.word("on-lost", ["term", "kill", "pause"]) ?? "term",
    stopSignal: readSignal(settings),
    killAfterMs: settings.durationMs("kill-after", allowed) ?? defaultKillAfterMs(ttlSeconds),
  };
}

/** How often the lock is renewed, in milliseconds. @throws UsageError when that leaves the command no time to end. */
export function readRefresh(settings: Settings, ttlSeconds: number, ending: Ending): number {
  const allowed = "a duration above 0, for example 10 (seconds), 500ms, 30s or 5m";
  const refreshMs = settings.durationMs("refresh", allowed, (ms) => ms > 0) ?? ttlSeconds * 500;
  checkRelations(settings, ttlSeconds, ending, refreshMs);
  return refreshMs;
}

/** A renewal must come before the command would have to be stopped for want of one. What is not given always fits. */
function checkRelations(settings: Settings, ttlSeconds: number, ending: Ending, refreshMs: number): void {
  const killAfter = settings.find("kill-after");
  const refresh = settings.find("refresh");
  if (refresh !== undefined && ending.onLost === "pause" && refreshMs > ttlSeconds * 500) {
    throw wrong(refresh, "at most half the TTL with --on-lost pause: after that the lock counts as being at risk");
  }
  const graceMs = lossGraceMs(ending);
  const limitMs = stopAfterMs(ttlSeconds, graceMs);
  if (refreshMs < limitMs) return;
  const ordinaryLimitMs = stopAfterMs(ttlSeconds, defaultKillAfterMs(ttlSeconds));
  const reason = `a command with a TTL of ${ttlSeconds} s has to be gone before the lock can be granted to anybody else`;
  if (killAfter !== undefined && refreshMs < ordinaryLimitMs) {
    const room = formatDurationMs(graceMs + limitMs - refreshMs);
    throw wrong(killAfter, `less than ${room}, with a renewal every ${formatDurationMs(refreshMs)}: ${reason}`);
  }
  if (refresh !== undefined) {
    throw wrong(refresh, `less than ${formatDurationMs(Math.max(limitMs, ordinaryLimitMs))}: ${reason}`);
  }
}

function readSignal(settings: Settings): NodeJS.Signals {
  const setting = settings.find("stop-signal");
  if (setting === undefined) return "SIGTERM";
  const name = setting.text.toUpperCase().replace(/^(?!SIG)/, "SIG");
  if (isSignal(name) && !neverEnd.has(name)) return name;
  throw wrong(setting, "a signal that can end a program, by its name: TERM, INT, HUP, QUIT, USR1, USR2, WINCH, KILL …");
}

/** They stop a program, or make it go on, and it does not learn that it should end. */
const neverEnd: ReadonlySet<string> = new Set(["SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD"]);

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}
