import { formatDurationMs, parseDurationMs } from "../duration.ts";
import { splitCommandLine } from "./command-line.ts";
import { type OptionName, optionTable } from "./option-table.ts";
import { defaultKillAfterMs, stopAfterMs } from "./stop-timing.ts";
import { UsageError } from "./usage-error.ts";

/** What `etcdlocker` was asked to do, with nothing left open. */
export interface Job {
  /** As given; the library knows what an address is. */
  readonly endpoints: readonly string[];
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

/** What a command line asks for. */
export type Request = { readonly kind: "help" } | { readonly kind: "version" } | { readonly kind: "run"; job: Job };

/**
 * Reads the words after `etcdlocker`, and the environment where a flag is not given.
 *
 * @throws UsageError that names the option, what came and what is allowed.
 */
export function readRequest(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  hostName: string,
): Request {
  const { flags, command } = splitCommandLine(words);
  if (flags.has("help")) return { kind: "help" };
  if (flags.has("version")) return { kind: "version" };
  const find = (name: OptionName): Setting | undefined => findSetting(name, flags.get(name), environment);

  const ttlSeconds = readTtl(find("ttl"));
  const killAfter = find("kill-after");
  const killAfterMs = killAfter === undefined ? defaultKillAfterMs(ttlSeconds) : readKillAfter(killAfter);
  const refresh = find("refresh");
  const refreshMs = refresh === undefined ? ttlSeconds * 500 : readRefresh(refresh);
  checkRelations(ttlSeconds, killAfterMs, refreshMs, killAfter, refresh);
  const [program, ...args] = command;
  return {
    kind: "run",
    job: {
      endpoints: readAddresses(find("etcd")),
      key: readText(find("key")) ?? missing("key"),
      id: readText(find("id")) ?? hostName,
      ttlSeconds,
      refreshMs,
      killAfterMs,
      isNodeModule: flags.has("node"),
      leavesDescendants: flags.has("leave-descendants"),
      isVerbose: flags.has("verbose"),
      command: readProgram(program),
      args,
    },
  };
}

/** A value that was given, and where. */
interface Setting {
  /** The flag or the variable, for error messages. */
  readonly source: string;
  /** All values given with the flag, in order. */
  readonly values: readonly string[];
  /** The last value: a later flag overrides an earlier one. */
  readonly text: string;
}

function findSetting(
  name: OptionName,
  values: readonly string[] | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Setting | undefined {
  const { letter, variable } = optionTable[name];
  const source = letter === undefined ? `--${name}` : `--${name} (-${letter})`;
  const last = values?.at(-1);
  if (values !== undefined && last !== undefined) return { source, values, text: last };
  const text = variable === undefined ? undefined : environment[variable];
  if (variable === undefined || text === undefined || text === "") return undefined;
  return { source: variable, values: [text], text };
}

function readTtl(setting: Setting | undefined): number {
  if (setting === undefined) return 60;
  const seconds = (parseDurationMs(setting.text) ?? Number.NaN) / 1_000;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 1_000_000) return seconds;
  throw wrong(setting, "a whole number of seconds from 1 to 1000000, for example 60, 30s, 5m or 2h");
}

function readKillAfter(setting: Setting): number {
  const ms = parseDurationMs(setting.text);
  if (ms !== undefined) return ms;
  throw wrong(setting, "a duration, for example 10 (seconds), 500ms, 30s or 5m; 0 for SIGKILL at once");
}

function readRefresh(setting: Setting): number {
  const ms = parseDurationMs(setting.text);
  if (ms !== undefined && ms > 0) return ms;
  throw wrong(setting, "a duration above 0, for example 10 (seconds), 500ms, 30s or 5m");
}

/** A renewal must come before the command would have to be stopped for want of one. What is not given always fits. */
function checkRelations(
  ttlSeconds: number,
  killAfterMs: number,
  refreshMs: number,
  killAfter: Setting | undefined,
  refresh: Setting | undefined,
): void {
  const limitMs = stopAfterMs(ttlSeconds, killAfterMs);
  if (refreshMs < limitMs) return;
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

function readAddresses(setting: Setting | undefined): readonly string[] {
  if (setting === undefined) return ["localhost:2379"];
  const addresses = setting.values.flatMap((value) => value.split(",")).map((address) => address.trim());
  if (!addresses.includes("")) return addresses;
  throw wrong(setting, "one or more addresses, separated by commas: host, host:port, a URL, IPv6 in brackets");
}

function readText(setting: Setting | undefined): string | undefined {
  if (setting?.text === "") throw wrong(setting, "any text that is not empty");
  return setting?.text;
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

function wrong({ source, text }: Setting, allowed: string): UsageError {
  return new UsageError(`${source} is ${JSON.stringify(text)}; allowed is ${allowed}`);
}
