import { setTimeout as delay } from "node:timers/promises";
import type { Line, LockManager } from "../../index.ts";
import type { Subject } from "../action.ts";
import { messageOf } from "../error-message.ts";
import { escapeText } from "../escape.ts";
import { signalExitCode } from "../exit-code.ts";
import type { Host, PassedOnSignal } from "../host.ts";
import { formatJson } from "./line-json.ts";
import { formatLine, type TimedLine } from "./line-text.ts";
import { formatList } from "./list-text.ts";
import { LiveScreen } from "./live-screen.ts";
import { type Paper, paperOf } from "./paper.ts";

/** What to show, and how. */
export interface ViewOptions {
  readonly subject: Subject;
  /** Kept current, until somebody ends it. */
  readonly isLive: boolean;
  readonly isJson: boolean;
}

/** How often it is looked again, in milliseconds. */
const intervalMs = 1_000;

/** Shows lines on standard output, once or again and again, and resolves to the exit code. */
export async function view(options: ViewOptions, manager: LockManager, host: Host): Promise<number> {
  const read = (): Promise<readonly TimedLine[]> => readLines(options.subject, manager);
  const format = (lines: readonly TimedLine[], paper: Paper): string[] => formatText(options.subject, lines, paper);
  if (!options.isLive) {
    const lines = await read();
    const text = options.isJson ? formatJson(lines, 2) : format(lines, paperOf(host)).join("\n");
    host.standardOutput.write(`${text}\n`);
    return 0;
  }
  const ended = endOf(host);
  if (host.standardOutput.isTerminal && !options.isJson) {
    const screen = new LiveScreen(host, format);
    try {
      await repeat(
        read,
        (lines) => screen.show(lines),
        (error) => screen.showFailure(error),
        ended.signal,
      );
    } finally {
      screen.close();
    }
  } else await writeChanges(read, options, host, ended.signal);
  // There is no other way to end it, so that is no failure.
  return ended.by() === "SIGINT" ? 0 : signalExitCode(ended.by());
}

/** Writes what has changed: as JSON, a document a line. */
async function writeChanges(
  read: () => Promise<readonly TimedLine[]>,
  { subject, isJson }: ViewOptions,
  host: Host,
  signal: AbortSignal,
): Promise<void> {
  let last = "";
  let failure = "";
  const write = (lines: readonly TimedLine[]): void => {
    failure = "";
    // The time that is left changes all the time: it is no news.
    const still = lines.map(({ line }) => ({ line, ttlLeft: new Map<bigint, number>() }));
    const text = isJson ? formatJson(still) : formatText(subject, still, paperOf(host)).join("\n");
    if (text !== last) host.standardOutput.write(`${text}\n`);
    last = text;
  };
  const complain = (error: unknown): void => {
    const text = escapeText(messageOf(error));
    if (text !== failure) host.standardError.write(`etcdlocker: ${text}\n`);
    failure = text;
  };
  await repeat(read, write, complain, signal);
}

async function repeat(
  read: () => Promise<readonly TimedLine[]>,
  show: (lines: readonly TimedLine[]) => void,
  complain: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const over = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
  while (!signal.aborted) {
    try {
      const lines = await Promise.race([read(), over]);
      if (lines !== undefined) show(lines);
    } catch (error) {
      // A wrong name stays wrong.
      if (error instanceof RangeError || error instanceof TypeError) throw error;
      complain(error);
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

function endOf(host: Host): { readonly signal: AbortSignal; by(): PassedOnSignal } {
  const end = new AbortController();
  let by: PassedOnSignal = "SIGINT";
  host.onSignal((signal) => {
    if (!end.signal.aborted) by = signal;
    end.abort();
  });
  return { signal: end.signal, by: () => by };
}

function formatText(subject: Subject, lines: readonly TimedLine[], paper: Paper): string[] {
  if (subject.kind === "prefix")
    return formatList(
      subject.prefix,
      lines.map(({ line }) => line),
      paper,
    );
  return lines.flatMap((line, index) => [...(index === 0 ? [] : [""]), ...formatLine(line, paper)]);
}

async function readLines(subject: Subject, manager: LockManager): Promise<readonly TimedLine[]> {
  if (subject.kind === "prefix") {
    return (await manager.list(subject.prefix)).map((line) => ({ line, ttlLeft: new Map() }));
  }
  return await Promise.all(subject.names.map(async (name) => timeLeases(await manager.inspect(name), manager)));
}

/** Each lease once: the entries of one process share theirs. */
async function timeLeases(line: Line, manager: LockManager): Promise<TimedLine> {
  const leases = [...new Set(line.entries.map(({ leaseId }) => leaseId))].filter((leaseId) => leaseId !== 0n);
  const times = await Promise.all(leases.map((leaseId) => manager.leaseTtlLeft(leaseId)));
  const known = leases.flatMap((leaseId, index): [bigint, number][] => {
    const seconds = times[index];
    return seconds === undefined ? [] : [[leaseId, seconds]];
  });
  return { line, ttlLeft: new Map(known) };
}
