import type { Figures } from "../results.ts";
import { type Entrant, race, type Scenario } from "../scenario.ts";
import type { EtcdSetup } from "../servers/bench-etcd.ts";
import { mean, quantile } from "../statistics.ts";
import { checkTurns, inOrder, pairs, type Turn } from "../turns.ts";

export interface Contended {
  readonly id: string;
  readonly title: string;
  readonly entrants: readonly Entrant[];
  readonly etcd: EtcdSetup;
  readonly isSlow?: boolean;
  /** No more rounds than this; each takes as long as it does in other scenarios. */
  readonly mostRounds?: number;
}

const sliceMs = { full: 1_200, quick: 600 };

/** Contenders take and give back one and the same lock, again and again. */
export function contended({ id, title, entrants, etcd, isSlow = false, mostRounds = 99 }: Contended): Scenario {
  return {
    id,
    title,
    mainFigure: "perSecond",
    isSlow,
    measure: async (setting) => {
      const rounds = Math.min(setting.options.rounds, mostRounds);
      const slice = setting.options.isQuick ? sliceMs.quick : sliceMs.full;
      return await race(setting, { id, etcd, entrants, rounds, sliceMs: slice, judge, check });
    },
  };
}

/** Contenders for one lock, in so many processes. */
export function contenders(peers: readonly string[], processes: number, callers = 1): readonly Entrant[] {
  return peers.map((peer) => ({ peer, processes, job: { callers, isShared: isLock(peer), holdMs: 0 } }));
}

function judge(turns: readonly Turn[], slice: number, { peer }: Entrant): Figures {
  const times = turns.map(({ askedAt, releasedAt }) => releasedAt - askedAt);
  const figures = {
    perSecond: (turns.filter(({ startedAt }) => startedAt <= slice).length / slice) * 1_000,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  };
  return isLock(peer) ? { ...figures, ...fairness(turns) } : figures;
}

/** How evenly those who waited were served, and how often another process came next. */
function fairness(turns: readonly Turn[]): Figures {
  const waits = turns.map(({ askedAt, startedAt }) => startedAt - askedAt);
  const neighbours = pairs(inOrder(turns));
  const changes = neighbours.filter(([before, after]) => before.process !== after.process).length;
  const longestWaitMs = quantile(waits, 1);
  return {
    longestWaitMs,
    averageWaitMs: mean(waits),
    longestToAverage: longestWaitMs / mean(waits),
    changesOfProcess: changes / neighbours.length,
  };
}

function check(turns: readonly Turn[]): ReturnType<typeof checkTurns> {
  return checkTurns(turns);
}

/** Bare writes know nothing of others. */
function isLock(peer: string): boolean {
  return !peer.includes("put");
}
