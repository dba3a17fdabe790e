/*
 * The guardian as a Node.js program, for systems without bash 4.4 or /proc; `guardian-script.ts` is the same for bash.
 * An entry point: it may touch `process`. See `guardian-process.ts` for the protocol.
 */
import { closeSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { openBootClock } from "./boot-clock.ts";
import { findMembers, type SharedSession } from "./process-group.ts";
import { carriesMarker, type ProcessEntry, readProcessTable } from "./process-table.ts";

const pollMs = 200;
const retryMs = 10;
const giveUpAfterMs = 60_000;
const killedAtDeadline = 10;

const [, , way, session, locker] = process.argv;
const shared: SharedSession | undefined =
  way === "shared" ? { session: session === "" ? undefined : Number(session), self: Number(locker) } : undefined;
const clock = openBootClock();

let deadline: number | undefined;
let marker: string | undefined;
let leader: number | undefined;
let isKilling = false;

for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGTSTP", "SIGUSR1", "SIGUSR2"] as const) {
  process.on(signal, () => undefined);
}
const lines = createInterface({ input: process.stdin });
lines.on("line", obey);
lines.on("close", () => void endWithLocker());
// Looked at often: timers don't count the time the machine was suspended.
setInterval(() => void checkDeadline(), pollMs);
// Closed at once: nobody who reads from it shall wait for us.
writeSync(1, "ready\n");
closeSync(1);

function obey(line: string): void {
  const [word, value = ""] = line.split(/ (.*)/s);
  if (word === "deadline") {
    deadline = Number(value);
    setTimeout(() => void checkDeadline(), Math.max(0, Math.min(deadline - clock.now(), pollMs)));
  } else if (word === "spawning") marker = value;
  else if (word === "leader" && Number(value) > 1) leader = Number(value);
  else if (word === "done") process.exit(0);
  void checkDeadline();
}

async function endWithLocker(): Promise<void> {
  if (marker !== undefined) await killAll();
  process.exit(0);
}

async function checkDeadline(): Promise<void> {
  if (deadline === undefined || marker === undefined || isKilling) return;
  const leftMs = deadline - clock.now();
  if (leftMs > 0) {
    if (leftMs < pollMs) setTimeout(() => void checkDeadline(), leftMs);
    return;
  }
  isKilling = true;
  await killAll();
  // Nothing was started yet, or it is about to: as soon as it is known it is killed.
  if (leader !== undefined) process.exit(killedAtDeadline);
  isKilling = false;
}

/** A member that forks and ends between two lines of the table could hide its child in it, but hardly twice. */
async function killAll(): Promise<void> {
  const giveUpAt = clock.now() + giveUpAfterMs;
  for (let empty = 0; empty < 2 && clock.now() < giveUpAt; ) {
    if (leader !== undefined && shared === undefined) kill(-leader);
    const members = findAll(await readProcessTable(process.platform));
    for (const { pid } of members) kill(pid);
    empty = members.length === 0 ? empty + 1 : 0;
    if (empty === 0) await delay(retryMs);
  }
}

function findAll(table: readonly ProcessEntry[]): readonly ProcessEntry[] {
  const mark = marker;
  if (mark === undefined) return [];
  if (leader !== undefined) return findMembers(table, { leader, marker: mark, shared });
  return table.filter(({ pid }) => carriesMarker(pid, mark));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended, or belongs to another user.
  }
}
