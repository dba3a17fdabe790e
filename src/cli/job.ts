import { formatDurationMs } from "../duration.ts";
import { type Connection, readConnection } from "./connection.ts";
import { type OptionName, optionTable } from "./option-table.ts";
import { type Settings, wrong } from "./settings.ts";
import { defaultKillAfterMs, stopAfterMs } from "./stop-timing.ts";
import { UsageError } from "./usage-error.ts";

/** A command to be run under a lock, with nothing left open. */
export interface Job {
  readonly connection: Connection;
  readonly key: string;
  readonly id: string;
  readonly ttlSeconds: number;
  readonly refreshMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly killAfterMs: number;
  /** The command is a Node.js module, to be forked and pinged. */
  readonly isNodeModule: boolean;
  /** What the command started and left running stays. */
  readonly leavesDescendants: boolean;
  readonly isVerbose: boolean;
  readonly command: string;
  readonly args: readonly string[];
}

/** @throws UsageError that names the option, what came and what is allowed. */
export function readJob(settings: Settings, command: readonly string[], hostName: string): Job {
  const ttlSeconds = readTtl(settings);
  const killAfterMs =
    settings.durationMs(
      "kill-after",
      "a duration, for example 10 (seconds), 500ms, 30s or 5m; 0 for SIGKILL at once",
    ) ?? defaultKillAfterMs(ttlSeconds);
  const refreshMs =
    settings.durationMs("refresh", "a duration above 0, for example 10 (seconds), 500ms, 30s or 5m", (ms) => ms > 0) ??
    ttlSeconds * 500;
  checkRelations(settings, ttlSeconds, killAfterMs, refreshMs);
  const [program, ...args] = command;
  return {
    connection: readConnection(settings),
    key: settings.text("key") ?? missing("key"),
    id: settings.text("id") ?? hostName,
    ttlSeconds,
    refreshMs,
    killAfterMs,
    isNodeModule: settings.isOn("node"),
    leavesDescendants: settings.isOn("leave-descendants"),
    isVerbose: settings.isOn("verbose"),
    command: readProgram(program),
    args,
  };
}

function readTtl(settings: Settings): number {
  const allowed = "a whole number of seconds from 1 to 1000000, for example 60, 30s, 5m or 2h";
  const ms = settings.durationMs("ttl", allowed, (given) => {
    const seconds = given / 1_000;
    return Number.isInteger(seconds) && seconds >= 1 && seconds <= 1_000_000;
  });
  return ms === undefined ? 60 : ms / 1_000;
}

/** A renewal must come before the command would have to be stopped for want of one. What is not given always fits. */
function checkRelations(settings: Settings, ttlSeconds: number, killAfterMs: number, refreshMs: number): void {
  const limitMs = stopAfterMs(ttlSeconds, killAfterMs);
  if (refreshMs < limitMs) return;
  const killAfter = settings.find("kill-after");
  const refresh = settings.find("refresh");
  const ordinaryLimitMs = stopAfterMs(ttlSeconds, defaultKillAfterMs(ttlSeconds));
  const reason = `a command with a TTL of ${ttlSeconds} s has to be gone before the lock can be granted to anybody else`;
  if (killAfter !== undefined && refreshMs < ordinaryLimitMs) {
    const room = formatDurationMs(killAfterMs + limitMs - refreshMs);
    throw wrong(killAfter, `less than ${room}, with a renewal every ${formatDurationMs(refreshMs)}: ${reason}`);
  }
  if (refresh !== undefined) {
    throw wrong(refresh, `less than ${formatDurationMs(Math.max(limitMs, ordinaryLimitMs))}: ${reason}`);
  }
}

function readProgram(program: string | undefined): string {
  if (program === undefined) throw new UsageError("the command is missing: etcdlocker [options] [--] command [args…]");
  if (program === "") throw new UsageError("the command is empty; the name of a program is needed");
  return program;
}

function missing(name: OptionName): never {
  const { letter, value, variable } = optionTable[name];
  throw new UsageError(`the ${name} is missing: give -${letter} ${value}, --${name} ${value} or ${variable}`);
}
