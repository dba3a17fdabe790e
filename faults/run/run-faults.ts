import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSpeedFlags } from "#dist/testing/etcd-flags.js";
import { readEtcdVersion } from "#dist/testing/etcd-version.js";
import { startEtcd } from "#dist/testing/index.js";
import { provideEtcd } from "#dist/testing/provide-etcd.js";
import { startProgram } from "../../test/support/programs.ts";
import { Random } from "../../test/support/random.ts";
import type { Fault } from "../faults/fault.ts";
import { historyEnding, readHistory } from "../history/read-history.ts";
import { Recorder } from "../history/recorder.ts";
import { Network } from "../network/network.ts";
import { Accounts, tokenFlags } from "./accounts.ts";
import { Ending } from "./ending.ts";
import { inflictFaults } from "./inflict-faults.ts";
import { findLeftovers, readUsage, sweep } from "./leftovers.ts";
import { Resource } from "./resource.ts";
import { RunFailedError } from "./run-failed-error.ts";
import { Scene } from "./scene.ts";
import { TouchObserver } from "./touch-observer.ts";
import { arrangeTraffic, type Contender } from "./traffic.ts";

/** What run to make. */
export interface RunOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly Fault[];
  readonly etcdVersion: string | undefined;
  readonly ttlSeconds: number;
  /** How much traffic there is: client processes, turns at a time in each, and commands at a time. */
  readonly size: { readonly workers: number; readonly callers: number; readonly jobs: number };
  readonly crowdSize: number;
  /** Who takes locks, in the place of our own. */
  readonly contender: Contender;
  /** Entry point of the library, and the command, that are tested. */
  readonly library: string;
  readonly locker: string;
  /** An empty folder for the histories. */
  readonly folder: string;
  readonly tell: (text: string) => void;
}

const ticker = fileURLToPath(new URL("./ticker.js", import.meta.url));

/** Names of locks begin with this. */
export const namePrefix = "/faults/";

const drainLimitMs = 90_000;
/** NOSPACE is reached by writing that much. */
const quotaBytes = 32 * 1_024 * 1_024;

/**
 * Makes a run: everything that happens in it is in the histories afterwards. Resolves to the version of etcd.
 *
 * @throws RunFailedError
 */
export async function runFaults(options: RunOptions): Promise<string> {
  const { seed, ttlSeconds, folder, tell } = options;
  const random = new Random(seed);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const recorder = new Recorder(join(folder, `run${historyEnding}`));
  const environment = { ...cleanEnvironment(), FAULTS_RUN: randomUUID() };
  const hasAccounts = options.contender === "etcd-lock";
  const network = new Network();
  const ending = new Ending();
  const tickerProgram = startProgram(process.execPath, [ticker, join(folder, `ticker${historyEnding}`)]);
  ending.add(() => tickerProgram.kill());
  try {
    tell("starting etcd ...");
    const { etcd } = await provideEtcd(options.etcdVersion);
    const cluster = await startEtcd({
      members: 3,
      peerNetwork: network.betweenMembers,
      ...(options.etcdVersion !== undefined && { version: options.etcdVersion }),
      extraArguments: [
        `--quota-backend-bytes=${quotaBytes}`,
        ...(await fsyncFlags(etcd)),
        ...(hasAccounts ? await tokenFlags(folder) : []),
      ],
      auth: hasAccounts,
    });
    ending.add(() => cluster.stop());
    ending.add(() => network.close());
    network.joinCluster(cluster);
    await cluster.leader();
    const resource = await Resource.listen(join(folder, "resource.socket"));
    ending.add(() => resource.close());
    recorder.write({ kind: "run", mark: "begun", ttlSeconds });
    const accounts = hasAccounts ? await Accounts.make(cluster, namePrefix, folder) : undefined;
    const usageBefore = await readUsage(cluster);
    const observer = new TouchObserver(cluster, namePrefix, recorder);
    ending.add(async () => observer.close());
    const traffic = await arrangeTraffic({
      ...options,
      account: accounts?.account,
      cluster,
      network,
      recorder,
      environment,
      random: random.fork(),
    });
    ending.add(() => traffic.kill());
    const { names, workers, jobs } = traffic;
    const { crowdSize } = options;
    const ttlMs = ttlSeconds * 1_000;
    const parts = { cluster, network, workers, jobs, names, prefix: namePrefix, ttlMs, crowdSize, accounts };
    const scene = new Scene(parts, random.fork());
    tell("everything runs");
    await inflictFaults({ ...options, scene, recorder, random, lastsMs: options.minutes * 60_000 });
    tell("finishing ...");
    await limited(drainLimitMs, traffic.drain(), () => {
      recorder.write({
        kind: "leftover",
        what: `not all turns came to an end within ${drainLimitMs / 1_000} s`,
        isOfTime: true,
      });
    });
    recorder.write({ kind: "run", mark: "drained", ttlSeconds });
    await traffic.kill();
    if (options.contender === "etcd-lock") await sweep(cluster, traffic.names, ttlSeconds, options.library);
    observer.close();
    const usage = { before: usageBefore, marker: `FAULTS_RUN=${environment.FAULTS_RUN}`, history: folder };
    for (const what of await findLeftovers(cluster, ttlSeconds, usage))
      recorder.write({ kind: "leftover", what, isOfTime: true });
    recorder.write({ kind: "run", mark: "over", ttlSeconds });
    return await readEtcdVersion(etcd);
  } catch (error) {
    const wasStarved = (await readHistory(folder)).some(({ kind }) => kind === "starved");
    if (!wasStarved || error instanceof RunFailedError) throw error;
    const what = error instanceof Error ? error.message : String(error);
    throw new RunFailedError(`the machine was starved, and then: ${what.slice(0, 300)}`, { cause: error });
  } finally {
    await ending.now();
    recorder.close();
  }
}

/** Settings of whoever makes the run are not meant for it. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^ETCD_?LOCK/.test(name)));
}

/** Disks that are slow, or stuck, are part of the test: what `startEtcd` switches off is switched on again. */
async function fsyncFlags(etcd: string): Promise<string[]> {
  return (await readSpeedFlags(etcd)).map((flag) => `${flag}=false`);
}

async function limited(limitMs: number, work: Promise<void>, onLimit: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      onLimit();
      resolve();
    }, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
