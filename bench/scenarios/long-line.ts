import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "../monotonic.ts";
import type { Figures, PeerResult } from "../results.ts";
import { type Entrant, type Scenario, type Setting, sortOut, startContestant } from "../scenario.ts";
import { oneMember, startBenchEtcd } from "../servers/bench-etcd.ts";
import { type EtcdCounts, readEtcdCounts } from "../servers/etcd-metrics.ts";
import { checkTurns, inOrder, pairs, type Turn } from "../turns.ts";

/** In as many processes, which come one after the other, so that every hand-over is from process to process. */
const processes = 10;
/** One waiter after the other enters the line, so far apart, in milliseconds. */
const gapMs = 3;
const settleMs = 500;
const windowMs = { full: 1_500, quick: 1_000 };

/** Each of so many waiters enters the line again after its turn: what does one hand-over ask of etcd? */
export function longLine(waiters: number, peers: readonly string[], isSlow: boolean): Scenario {
  const id = `long-line-${waiters}`;
  const job = { callers: waiters / processes, isShared: true, holdMs: 0 };
  return {
    id,
    title: `${waiters.toLocaleString("en")} waiters for one lock in ${processes} processes: what etcd is asked per hand-over`,
    mainFigure: "requests",
    isSlow,
    measure: async (setting) => {
      const { present, missing } = sortOut(
        setting.peers,
        peers.map((peer) => ({ peer, processes, job })),
      );
      const results: PeerResult[] = [];
      // One after the other, each on an etcd of its own: its counts are of one peer then.
      for (const entrant of present) results.push(await measurePeer(setting, id, entrant, waiters));
      return { peers: results, missing };
    },
  };
}

async function measurePeer(setting: Setting, id: string, entrant: Entrant, waiters: number): Promise<PeerResult> {
  const { isQuick, rounds } = setting.options;
  const enterMs = waiters * gapMs + settleMs;
  const window = isQuick ? windowMs.quick : windowMs.full;
  await using etcd = await startBenchEtcd(oneMember);
  await using contestant = await startContestant(setting, id, etcd.endpoints, entrant, (process) => ({
    startDelayMs: process * gapMs,
    startStepMs: processes * gapMs,
  }));
  const { atMs, turns } = contestant.begin(enterMs + rounds * window + settleMs);
  const counts: EtcdCounts[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    await delay(Math.max(0, atMs + enterMs + round * window - nowMs()));
    counts.push(await readEtcdCounts(etcd.endpoints));
  }
  const all = await turns;
  return { peer: entrant.peer, rounds: judge(all, counts, atMs), check: checkTurns(all) };
}

function judge(turns: readonly Turn[], counts: readonly EtcdCounts[], atMs: number): Figures[] {
  return counts.slice(1).flatMap((after, round) => {
    const before = counts[round];
    if (before === undefined) return [];
    const within = turns.filter(
      ({ startedAt }) => startedAt > before.readAt - atMs && startedAt <= after.readAt - atMs,
    );
    const handOvers = within.length;
    const neighbours = pairs(inOrder(within));
    const per = (figure: keyof EtcdCounts): number => (after[figure] - before[figure]) / handOvers;
    return [
      {
        requests: per("requests"),
        watchMessages: per("watchMessages"),
        bytes: per("bytes"),
        etcdCpuMs: per("cpuSeconds") * 1_000,
        perSecond: (handOvers / (after.readAt - before.readAt)) * 1_000,
        changesOfProcess: neighbours.filter(([one, next]) => one.process !== next.process).length / neighbours.length,
      },
    ];
  });
}
