// The Node.js side of the benchmark: one process of one peer, told what to do on standard input (../protocol.ts).

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Command, Job, Report } from "../protocol.ts";
import type { LockPeer } from "./lock-peer.ts";
import { openPeer } from "./open-peer.ts";
import { takeTurns } from "./take-turns.ts";

/** So many locks are taken at a time where many are to be held. */
const takenAtOnce = 256;

/** Few enough for each operation to be a request of its own: what is sent together warms less. */
const warmUpCallers = 4;

const job: Job = JSON.parse(process.argv[2] ?? "{}");

serve().catch((error: unknown) => {
  say({ kind: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exit(1);
});

async function serve(): Promise<void> {
  const peer = await openPeer(job);
  await warmUp(peer);
  say({ kind: "ready" });
  for await (const line of createInterface({ input: process.stdin })) await obey(peer, JSON.parse(line));
  await peer.close();
  process.exit();
}

/** Until then, Node.js interprets most of the code, and that takes several times as long. */
async function warmUp(peer: LockPeer): Promise<void> {
  const { signal } = new AbortController();
  const endsAt = performance.now() + job.warmUp.limitMs;
  let turns = 0;
  const callers = Array.from({ length: warmUpCallers }, async (_, caller) => {
    const lock = peer.locker(`${job.name}-warm-up/${process.pid}/${caller}`, caller);
    for (; turns < job.warmUp.turns && performance.now() < endsAt; turns += 1) {
      const taken = await lock.take(signal);
      await taken.giveBack();
    }
  });
  await Promise.all(callers);
}

async function obey(peer: LockPeer, command: Command): Promise<void> {
  switch (command.kind) {
    case "run":
      return say({ kind: "turns", turns: await takeTurns(peer, job, command.atNs, command.untilNs) });
    case "hold":
      await holdMany(peer, command.count);
      return say({ kind: "holding" });
  }
}

async function holdMany(peer: LockPeer, count: number): Promise<void> {
  const { signal } = new AbortController();
  for (let first = 0; first < count; first += takenAtOnce) {
    const numbers = Array.from({ length: Math.min(takenAtOnce, count - first) }, (_, index) => first + index);
    await Promise.all(numbers.map((number) => peer.locker(`${job.name}/${number}`, number).take(signal)));
  }
}

/** Written at once: a pipe may take less than a long line, and the process may end next. */
function say(report: Report): void {
  const bytes = Buffer.from(`${JSON.stringify(report)}\n`);
  for (let offset = 0; offset < bytes.length; ) offset += writeSome(bytes, offset);
}

function writeSome(bytes: Buffer, offset: number): number {
  try {
    return writeSync(1, bytes, offset);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}
