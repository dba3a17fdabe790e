import { execFile } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { promisify } from "node:util";

/** A process that is alive: it runs, sleeps or is stopped. A zombie is not alive. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** The id of its session; `undefined` where the system doesn't tell. */
  readonly session: number | undefined;
  /** Tells it from another process that has the same pid later; `undefined` where the system doesn't tell. */
  readonly birth: string | undefined;
}

/** All processes that are alive. One that is born or dies meanwhile may be missing. */
export async function readProcessTable(platform: NodeJS.Platform): Promise<readonly ProcessEntry[]> {
  return platform === "linux" ? readProc() : parsePs((await run("ps", psWords, { maxBuffer: 2 ** 26 })).stdout);
}

/** Whether the process was started with `marker`, as in `NAME=value`, in its environment. Only Linux tells. */
export function carriesMarker(pid: number, marker: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0${marker}\0`);
  } catch {
    return false;
  }
}

const run = promisify(execFile);
/** Of `/proc/PID/stat` all fits in that we look at. */
const statBuffer = Buffer.allocUnsafe(4_096);

const psWords = ["-A", "-o", "pid=,ppid=,pgid=,stat="];

function readProc(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const entry = readStat(name);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function readStat(pid: string): ProcessEntry | undefined {
  try {
    return parseStat(readShortFile(`/proc/${pid}/stat`));
  } catch {
    return undefined;
  }
}

/** `readFileSync` gets 64 KiB of memory for each file in `/proc`, and a command waits for hundreds of them. */
function readShortFile(path: string): string {
  const file = openSync(path, "r");
  try {
    return statBuffer.toString("latin1", 0, readSync(file, statBuffer));
  } finally {
    closeSync(file);
  }
}

/** The last field of `/proc/PID/stat` that we look at. */
const lastField = 22;

/** Reads `/proc/PID/stat` (see `man 5 proc`). `undefined` for a process that is not alive. */
export function parseStat(text: string): ProcessEntry | undefined {
  // The second field is the program's name in parentheses, with whatever characters it has. The third comes after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ", lastField - 2);
  const field = (number: number): string => fields[number - 3] ?? "";
  // A zombie whose threads go on is alive: only its first thread has ended.
  if (isDead(field(3)) && Number(field(20)) <= 1) return undefined;
  return {
    pid: Number.parseInt(text, 10),
    parent: Number(field(4)),
    group: Number(field(5)),
    session: Number(field(6)),
    birth: field(22),
  };
}

/** Reads what `ps -o pid=,ppid=,pgid=,stat=` says. */
export function parsePs(text: string): ProcessEntry[] {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([pid, parent, group, state]) => {
    if (state === undefined || isDead(state)) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), session: undefined, birth: undefined }];
  });
}

function isDead(state: string): boolean {
  return state.startsWith("Z") || state.startsWith("X");
}
