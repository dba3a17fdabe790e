import type { EtcdCluster } from "#dist/testing/index.js";
import { whyItFailed } from "../provision/run-program.ts";
import { Contestant } from "./contestant.ts";
import type { BenchOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { Job } from "./protocol.ts";
import type { Figures, MissingPeer, PeerResult, ScenarioResult } from "./results.ts";
import { type EtcdSetup, startBenchEtcd } from "./servers/bench-etcd.ts";
import { addChecks, type Check, type Turn } from "./turns.ts";

/** What every scenario is given. */
export interface Setting {
  readonly options: BenchOptions;
  readonly peers: Peers;
  /** 0 when there is no Redis. */
  readonly redisPort: number;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** The figure that is compared first. */
  readonly mainFigure: string;
  /** Left out of a quick run. */
  readonly isSlow?: boolean;
  measure(setting: Setting): Promise<Pick<ScenarioResult, "peers" | "missing">>;
}

/** Peers that a quick run leaves out, but where all are compared. */
const notInQuickRun = ["etcd3", "etcd-lock-1", "redis-semaphore"];

/** How one peer takes part in a scenario. */
export interface Entrant {
  readonly peer: string;
  readonly processes: number;
  readonly job: Pick<Job, "callers" | "isShared" | "holdMs">;
}

/** Who takes part, and how long and on what. */
export interface Race {
  readonly id: string;
  /** Also in a quick run, all entrants take part. */
  readonly isForAll?: boolean | undefined;
  readonly etcd: EtcdSetup;
  readonly entrants: readonly Entrant[];
  readonly rounds: number;
  /** How long each peer is measured in each round, in milliseconds. */
  readonly sliceMs: number;
  /** What is made of the turns of one round. */
  judge(turns: readonly Turn[], sliceMs: number, entrant: Entrant): Figures;
  /** What is looked at for correctness; nothing where each caller has a lock of its own. */
  check?(turns: readonly Turn[]): Check;
}

/** All turns of a peer, round by round. */
export type TurnsOfRounds = readonly (readonly Turn[])[];

export interface RaceOutcome {
  readonly peers: readonly PeerResult[];
  readonly missing: readonly MissingPeer[];
  readonly turns: ReadonlyMap<string, TurnsOfRounds>;
}

/** How each process warms up by itself; after that, all do together for a slice, which does not count. */
const warmUps = { full: { turns: 2_000, limitMs: 6_000 }, quick: { turns: 600, limitMs: 1_500 } };
/** With so many processes, there is no time for more than this share. */
const many = 50;
const warmUpShareOfMany = 0.15;

/**
 * Measures all entrants on one etcd, round by round one after the other, each round beginning with another one. All their
 * processes are there from the beginning; those that are not measured do nothing. Whoever fails is left out from then on.
 */
export async function race(setting: Setting, plan: Race): Promise<RaceOutcome> {
  const isForAll = plan.isForAll === true || !setting.options.isQuick;
  const entrants = plan.entrants.filter(({ peer }) => isForAll || !notInQuickRun.includes(peer));
  const { present, missing } = sortOut(setting.peers, entrants);
  await using etcd = await startBenchEtcd(plan.etcd);
  const runners: Runner[] = present.map((entrant) => ({ entrant, figures: [], turns: [] }));
  try {
    for (const runner of runners) await attempt(runner, () => prepare(setting, plan, etcd, runner));
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const runner of rotate(runners, round)) await attempt(runner, () => runRound(plan, runner));
    }
    for (const runner of runners) await attempt(runner, async () => await runner.contestant?.stop());
  } finally {
    for (const { contestant } of runners) contestant?.kill();
  }
  const sound = runners.filter(({ failure }) => failure === undefined);
  return {
    peers: sound.map(({ entrant: { peer }, figures, check }) => ({ peer, rounds: figures, check })),
    missing: [...missing, ...failures(runners)],
    turns: new Map(sound.map(({ entrant, turns }) => [entrant.peer, turns])),
  };
}

interface Runner {
  readonly entrant: Entrant;
  readonly figures: Figures[];
  readonly turns: (readonly Turn[])[];
  contestant?: Contestant;
  check?: Check;
  failure?: string;
}

async function attempt(runner: Runner, work: () => Promise<void>): Promise<void> {
  if (runner.failure !== undefined) return;
  try {
    await work();
  } catch (error) {
    runner.failure = `it failed: ${whyItFailed(error)}`;
    runner.contestant?.kill();
  }
}

function failures(runners: readonly Runner[]): readonly MissingPeer[] {
  return runners.flatMap(({ entrant: { peer }, failure: reason }) => (reason === undefined ? [] : [{ peer, reason }]));
}

/** Those that are there, and the others. */
export function sortOut(
  peers: Peers,
  entrants: readonly Entrant[],
): { readonly present: readonly Entrant[]; readonly missing: readonly MissingPeer[] } {
  const missing = entrants.flatMap(({ peer }) => {
    const reason = peers.whyMissing(peer);
    return reason === undefined ? [] : [{ peer, reason }];
  });
  return { present: entrants.filter(({ peer }) => missing.every((other) => other.peer !== peer)), missing };
}

/** Starts the processes of one entrant. */
export async function startContestant(
  { peers, redisPort, options }: Setting,
  id: string,
  endpoints: readonly string[],
  { peer, processes, job }: Entrant,
  timing: (process: number) => Pick<Job, "startDelayMs" | "startStepMs"> = () => ({ startDelayMs: 0, startStepMs: 0 }),
  warmUpShare: number = processes < many ? 1 : warmUpShareOfMany,
): Promise<Contestant> {
  const { turns, limitMs } = options.isQuick ? warmUps.quick : warmUps.full;
  const jobOf = (process: number): Job => ({
    ...job,
    warmUp: { turns: turns * warmUpShare, limitMs },
    ...timing(process),
    peer,
    endpoints,
    redisPort,
    packages: peers.packages.folder,
    name: `/bench/${id}/${peer}${job.isShared ? "" : `/${process}`}`,
  });
  const jobs = Array.from({ length: processes }, (_, process) => jobOf(process));
  return await Contestant.start(jobs.map((each) => peers.commandLine(each)));
}

async function prepare(setting: Setting, plan: Race, etcd: EtcdCluster, runner: Runner): Promise<void> {
  runner.contestant = await startContestant(setting, plan.id, etcd.endpoints, runner.entrant);
  await runner.contestant.run(plan.sliceMs);
}

async function runRound(plan: Race, runner: Runner): Promise<void> {
  const turns = (await runner.contestant?.run(plan.sliceMs)) ?? [];
  runner.figures.push(plan.judge(turns, plan.sliceMs, runner.entrant));
  runner.turns.push(turns);
  const check = plan.check?.(turns);
  if (check !== undefined) runner.check = runner.check === undefined ? check : addChecks(runner.check, check);
}

function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % Math.max(1, list.length);
  return [...list.slice(start), ...list.slice(0, start)];
}
