import { longestId } from "../owner-id.ts";
import { type Connection, readConnection } from "./connection.ts";
import { type Ending, readEnding, readRefresh } from "./ending.ts";
import { type LockRequest, readLockRequest } from "./lock-request.ts";
import { type MessageStyle, readMessageStyle } from "./reporter.ts";
import { type Settings, wrong } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** A command to be run under a lock, with nothing left open. */
export interface Job {
  readonly connection: Connection;
  readonly lock: LockRequest;
  readonly id: string;
  readonly ttlSeconds: number;
  readonly refreshMs: number;
  readonly ending: Ending;
  /** The command is a Node.js module, to be forked and pinged. */
  readonly isNodeModule: boolean;
  /** What the command started and left running stays. */
  readonly leavesDescendants: boolean;
  readonly messages: MessageStyle;
  readonly command: string;
  readonly args: readonly string[];
}

/** @throws UsageError that names the option, what came and what is allowed. */
export function readJob(settings: Settings, command: readonly string[], hostName: string): Job {
  const ttlSeconds = readTtl(settings);
  const ending = readEnding(settings, ttlSeconds);
  const [program, ...args] = command;
  const [connection, lock] = [readConnection(settings), readLockRequest(settings)];
  if (connection.api === 2) checkV2(connection, lock);
  return {
    connection,
    lock,
    id: readId(settings) ?? hostName,
    ttlSeconds,
    refreshMs: readRefresh(settings, ttlSeconds, ending),
    ending,
    isNodeModule: settings.isOn("node"),
    leavesDescendants: settings.isOn("leave-descendants"),
    messages: readMessageStyle(settings),
    command: readProgram(program),
    args,
  };
}

/** @throws UsageError for what locks of 1.x have no place for. */
function checkV2({ discoverySrv }: Connection, { names, mode, permits, atLeastMs }: LockRequest): void {
  const excess = [
    names.length > 1 && "several keys (-k)",
    mode === "shared" && "--shared",
    permits !== 1 && "--permits (-p)",
    atLeastMs > 0 && "--at-least",
    discoverySrv !== undefined && "--discovery-srv",
  ].find((found) => found !== false);
  if (excess !== undefined) throw new UsageError(`--api 2 is given with ${excess}, which needs --api 3`);
}

function readId(settings: Settings): string | undefined {
  const id = settings.find("id");
  if (id !== undefined && id.text.length > longestId) throw wrong(id, `a text of at most ${longestId} characters`);
  return settings.text("id");
}

/** In seconds. @throws UsageError when it is no whole number of them. */
export function readTtl(settings: Settings): number {
  const allowed = "a whole number of seconds from 1 to 1000000, for example 60, 30s, 5m or 2h";
  const ms = settings.durationMs("ttl", allowed, (given) => {
    const seconds = given / 1_000;
    return Number.isInteger(seconds) && seconds >= 1 && seconds <= 1_000_000;
  });
  return ms === undefined ? 60 : ms / 1_000;
}

function readProgram(program: string | undefined): string {
  if (program === undefined) throw new UsageError("the command is missing: etcdlocker [options] [--] command [args…]");
  if (program === "") throw new UsageError("the command is empty; the name of a program is needed");
  return program;
}
