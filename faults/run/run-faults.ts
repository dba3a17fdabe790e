import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { startEtcd } from "#dist/testing/index.js";
import type { Fault } from "../faults/fault.ts";
import { historyEnding } from "../history/read-history.ts";
import { Recorder } from "../history/recorder.ts";
import { Network } from "../network/network.ts";
import { Random } from "../random.ts";
import { Accounts, tokenFlags } from "./accounts.ts";
import { Ending } from "./ending.ts";
import { inflictFaults } from "./inflict-faults.ts";
import { findLeftovers, readUsage, sweep } from "./leftovers.ts";
import { Resource } from "./resource.ts";
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

/** Names of locks begin with this. */
export const namePrefix = "/faults/";

const drainLimitMs = 90_000;
/** NOSPACE is reached by writing that much. */
const quotaBytes = 32 * 1_024 * 1_024;

/** Makes a run: everything that happens in it is in the histories afterwards. */
export async function runFaults(options: RunOptions): Promise<void> {
  const { seed, ttlSeconds, folder, tell } = options;
  const random = new Random(seed);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const recorder = new Recorder(join(folder, `run${historyEnding}`));
  const environment = { ...cleanEnvironment(), FAULTS_RUN: randomUUID() };
  const hasAccounts = options.contender === "etcd-lock";
  const network = new Network();
  const ending = new Ending();
  try {
    tell("starting etcd ...");
    const cluster = await startEtcd({
      members: 3,
      peerNetwork: network.betweenMembers,
      ...(options.etcdVersion !== undefined && { version: options.etcdVersion }),
      // Disks that are slow, or stuck, are part of the test. Members are forgiving where a machine is busy.
      extraArguments: [
        `--quota-backend-bytes=${quotaBytes}`,
        ...(await fsyncFlags(options.etcdVersion)),
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
  } finally {
    await ending.now();
    recorder.close();
  }
}

/** Settings of whoever makes the run are not meant for it. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^ETCD_?LOCK/.test(name)));
}

/** Since 3.5, `startEtcd` switches it off. */
async function fsyncFlags(version: string | undefined): Promise<string[]> {
  return version === undefined || version.startsWith("3.4") ? [] : ["--unsafe-no-fsync=false"];
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
