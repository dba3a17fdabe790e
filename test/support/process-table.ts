import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** One process, as the system lists it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** One letter: `Z` for a zombie, `T` for a stopped process. */
  readonly state: string;
}

/** Every process of this machine, at some instant of the call. */
export function listProcesses(): ProcessEntry[] {
  return process.platform === "linux" ? fromProc() : fromPs();
}

/** Whether the process runs or is stopped. A zombie, which has ended and only waits to be collected, counts as dead. */
export function isAlive(pid: number): boolean {
  const entries = process.platform === "linux" ? readStat(pid) : fromPs();
  return entries.some((entry) => entry.pid === pid && !isDead(entry));
}

/** The process ids of the living children, grandchildren and so on of `pid`. Orphans have left the family. */
export function descendantsOf(pid: number): number[] {
  const living = listProcesses().filter((entry) => !isDead(entry));
  const family = [pid];
  for (const ancestor of family) {
    family.push(...living.filter((entry) => entry.parentPid === ancestor).map((entry) => entry.pid));
  }
  return family.slice(1);
}

/** The process ids of the living members of a process group. */
export function membersOfGroup(groupId: number): number[] {
  return listProcesses()
    .filter((entry) => entry.groupId === groupId && !isDead(entry))
    .map((entry) => entry.pid);
}

function isDead({ state }: ProcessEntry): boolean {
  return state === "Z" || state === "X";
}

function fromProc(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(name));
}

/** Empty when there is no such process. */
function readStat(pid: number | string): ProcessEntry[] {
  try {
    return [parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"))];
  } catch {
    return [];
  }
}

/** The second field, the program's name in parentheses, may contain anything. */
function parseStat(stat: string): ProcessEntry {
  const [state = "", parentPid, groupId] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { pid: Number.parseInt(stat, 10), parentPid: Number(parentPid), groupId: Number(groupId), state };
}

function fromPs(): ProcessEntry[] {
  const output = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat="], { encoding: "utf8" });
  return output
    .trim()
    .split("\n")
    .map((line) => {
      const [pid, parentPid, groupId, state = ""] = line.trim().split(/\s+/);
      return { pid: Number(pid), parentPid: Number(parentPid), groupId: Number(groupId), state: state.charAt(0) };
    });
}
