import type { Figures, PeerResult } from "../results.ts";
import { race, type Scenario } from "../scenario.ts";
import type { EtcdSetup } from "../servers/bench-etcd.ts";
import { histogram, quantile } from "../statistics.ts";
import { checkTurns, inOrder, pairs, type Turn } from "../turns.ts";

export interface HandOver {
  readonly id: string;
  readonly title: string;
  readonly peers: readonly string[];
  /** The floor: a bare put. */
  readonly floor: string;
  readonly etcd: EtcdSetup;
}

const sliceMs = { full: 1_600, quick: 800 };
/** Long enough for the other to be waiting when the lock is released. The floor makes the same pauses: they cool caches. */
const holdMs = 5;
/** Who asked less than this before the release, in milliseconds, may not have been waiting yet. */
const waitedMs = 2;
const shortestMs = 0.1;
const decades = 4;

/** Two processes hold one lock in turns: how long after release was called does the next holder run? */
export function handOver({ id, title, peers, floor, etcd }: HandOver): Scenario {
  const entrants = [
    ...peers.map((peer) => ({ peer, processes: 2, job: { callers: 1, isShared: true, holdMs } })),
    { peer: floor, processes: 1, job: { callers: 1, isShared: false, holdMs } },
  ];
  const times = (turns: readonly Turn[], peer: string): number[] =>
    peer === floor ? turns.map(({ askedAt, startedAt }) => startedAt - askedAt) : handOverTimes(turns);
  return {
    id,
    title,
    mainFigure: "p50Ms",
    measure: async (setting) => {
      const { rounds, isQuick } = setting.options;
      const outcome = await race(setting, {
        id,
        etcd,
        entrants,
        rounds,
        sliceMs: isQuick ? sliceMs.quick : sliceMs.full,
        judge: (turns, _, { peer }): Figures => {
          const own = times(turns, peer);
          return { p50Ms: quantile(own, 0.5), p99Ms: quantile(own, 0.99), maxMs: quantile(own, 1), count: own.length };
        },
        check: checkTurns,
      });
      const withHistogram = (result: PeerResult): PeerResult => {
        const all = (outcome.turns.get(result.peer) ?? []).flatMap((turns) => times(turns, result.peer));
        const isFloor = result.peer === floor;
        return {
          ...result,
          check: isFloor ? undefined : result.check,
          histogram: histogram(all, shortestMs, decades),
        };
      };
      return { missing: outcome.missing, peers: outcome.peers.map(withHistogram) };
    },
  };
}

/** From one process to the other, which was waiting. */
function handOverTimes(turns: readonly Turn[]): number[] {
  return pairs(inOrder(turns))
    .filter(([before, after]) => before.process !== after.process && after.askedAt <= before.releasingAt - waitedMs)
    .map(([before, after]) => after.startedAt - before.releasingAt);
}
