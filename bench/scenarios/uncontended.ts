import type { Figures } from "../results.ts";
import { race, type Scenario } from "../scenario.ts";
import type { EtcdSetup } from "../servers/bench-etcd.ts";
import { mean, quantile } from "../statistics.ts";
import type { Turn } from "../turns.ts";

export interface Uncontended {
  readonly id: string;
  readonly title: string;
  readonly callers: number;
  readonly peers: readonly string[];
  readonly etcd: EtcdSetup;
  /** Also in a quick run, all peers take part. */
  readonly isForAll?: boolean;
}

const sliceMs = { full: 800, quick: 400 };
/** With so many callers each of them takes longer, and its last turn is cut off. */
const many = 256;
const sliceFactorOfMany = 1.5;

/** Callers in one process take and give back a lock each, again and again, that nobody else wants. */
export function uncontended({ id, title, callers, peers, etcd, isForAll }: Uncontended): Scenario {
  const entrants = peers.map((peer) => ({ peer, processes: 1, job: { callers, isShared: false, holdMs: 0 } }));
  return {
    id,
    title,
    mainFigure: "perSecond",
    measure: async (setting) => {
      const { rounds, isQuick } = setting.options;
      const slice = (isQuick ? sliceMs.quick : sliceMs.full) * (callers < many ? 1 : sliceFactorOfMany);
      return await race(setting, { id, isForAll, etcd, entrants, rounds, sliceMs: slice, judge });
    },
  };
}

function judge(turns: readonly Turn[], slice: number): Figures {
  const times = turns.map(({ askedAt, releasedAt }) => releasedAt - askedAt);
  return {
    perSecond: (turns.filter(({ releasedAt }) => releasedAt <= slice).length / slice) * 1_000,
    meanMs: mean(times),
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  };
}
