import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Figures, PeerResult } from "../results.ts";
import { type Scenario, type Setting, sortOut, startContestant } from "../scenario.ts";
import { oneMember, startBenchEtcd } from "../servers/bench-etcd.ts";
import { type EtcdCounts, readEtcdCounts } from "../servers/etcd-metrics.ts";

/** The window has one renewal of each lock in a quick run, and two in a full one: they are renewed every 30 s. */
const windowSeconds = { full: 60, quick: 33 };
const settleMs = 2_000;
const mebibyte = 1_024 ** 2;
/** What warming up leaves in memory would be taken for that of a process that holds nothing. */
const warmUpShare = 0.05;
/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

/** One process holds many locks: what does it cost to keep them? Each peer has an etcd of its own, at the same time. */
export function heldLocks(id: string, count: number, peers: readonly string[]): Scenario {
  return {
    id,
    title: `${count.toLocaleString("en")} held locks, TTL 60 s: what keeping them costs`,
    mainFigure: "cpuShare",
    measure: async (setting) => {
      const entrants = peers.map((peer) => ({ peer, processes: 1, job: { callers: 1, isShared: false, holdMs: 0 } }));
      const { present, missing } = sortOut(setting.peers, entrants);
      const measured = present.map((entrant) => measurePeer(setting, id, entrant, count));
      return { peers: await Promise.all(measured), missing };
    },
  };
}

async function measurePeer(
  setting: Setting,
  id: string,
  entrant: Parameters<typeof startContestant>[3],
  count: number,
): Promise<PeerResult> {
  const seconds = setting.options.isQuick ? windowSeconds.quick : windowSeconds.full;
  await using etcd = await startBenchEtcd(oneMember);
  const contestant = await startContestant(setting, id, etcd.endpoints, entrant, undefined, warmUpShare);
  try {
    const [pid = 0] = contestant.pids;
    const empty = readUsage(pid);
    await contestant.hold(count);
    await delay(settleMs);
    const held = readUsage(pid);
    const counts = await countEachSecond(etcd.endpoints, seconds);
    const last = readUsage(pid);
    const figures: Figures = {
      cpuShare: (last.cpuSeconds - held.cpuSeconds) / seconds,
      memoryMiB: (last.memoryBytes - empty.memoryBytes) / mebibyte,
      ...judge(counts),
    };
    return { peer: entrant.peer, rounds: [figures] };
  } finally {
    // Giving all back would take time that tells nothing.
    contestant.kill();
  }
}

/** Counts, one for each second; the etcd was new. */
function judge(counts: readonly EtcdCounts[]): Figures {
  const [first] = counts;
  const last = counts.at(-1);
  if (first === undefined || last === undefined) return {};
  const rates = counts.slice(1).map((after, index) => {
    const before = counts[index] ?? first;
    return ((after.transactions - before.transactions) / (after.readAt - before.readAt)) * 1_000;
  });
  const seconds = (last.readAt - first.readAt) / 1_000;
  return {
    leases: last.leasesGranted,
    messagesPerSecond: (last.messages - first.messages) / seconds,
    transactionsPerSecond: (last.transactions - first.transactions) / seconds,
    mostTransactionsInASecond: Math.max(...rates),
  };
}

async function countEachSecond(endpoints: readonly string[], seconds: number): Promise<readonly EtcdCounts[]> {
  const counts = [await readEtcdCounts(endpoints)];
  for (let second = 0; second < seconds; second += 1) {
    await delay(1_000);
    counts.push(await readEtcdCounts(endpoints));
  }
  return counts;
}

/** Processor time and resident memory of a process, as Linux counts them. */
function readUsage(pid: number): { readonly cpuSeconds: number; readonly memoryBytes: number } {
  // What comes before is the program's name, in parentheses.
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const words = fields.split(" ").map(Number);
  const [userTicks = 0, systemTicks = 0] = words.slice(11, 13);
  const [, kibibytes = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { cpuSeconds: (userTicks + systemTicks) / ticksPerSecond, memoryBytes: Number(kibibytes) * 1_024 };
}
