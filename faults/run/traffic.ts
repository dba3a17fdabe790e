import { join } from "node:path";
import { type EtcdCluster, findEtcd } from "#dist/testing/index.js";
import { provideGoProgram } from "../../provision/go-program.ts";
import { provideNpmPackages } from "../../provision/npm-packages.ts";
import { rootFolder } from "../../provision/root-folder.ts";
import { type Program, startProgram } from "../../test/support/programs.ts";
import type { Random } from "../../test/support/random.ts";
import { historyEnding } from "../history/read-history.ts";
import type { Recorder } from "../history/recorder.ts";
import { type JobKind, JobSlot } from "../jobs/job-slot.ts";
import type { Network } from "../network/network.ts";
import type { LockNames, WorkerJob } from "../worker/worker-job.ts";
import type { Account } from "./accounts.ts";
import { foreignMachine } from "./scene.ts";
import { Workers } from "./workers.ts";

/** Who takes locks, and is judged for it. */
export type Contender = "etcd-lock" | "etcdctl" | "etcd3";

export interface TrafficOptions {
  readonly cluster: EtcdCluster;
  readonly network: Network;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly environment: NodeJS.ProcessEnv;
  readonly ttlSeconds: number;
  readonly size: { readonly workers: number; readonly callers: number; readonly jobs: number };
  readonly contender: Contender;
  /** Of our own programs; foreign ones come as the root user. */
  readonly account: Account | undefined;
  readonly library: string;
  readonly locker: string;
  readonly folder: string;
  readonly tell: (text: string) => void;
}

/** Everybody who takes locks. */
export interface Traffic {
  readonly names: LockNames;
  readonly workers: Workers;
  readonly jobs: readonly JobSlot[];
  /** Nobody begins anything new. Resolves when all have finished what they began. */
  drain(): Promise<void>;
  kill(): Promise<void>;
}

const names: LockNames = {
  exclusive: numbered("exclusive", 3),
  several: numbered("several", 3),
  mixed: numbered("mixed", 2),
  shared: numbered("shared", 2),
  permits: numbered("permits", 1),
  kept: numbered("kept", 4),
  jobs: numbered("jobs", 2),
};

export async function arrangeTraffic(options: TrafficOptions): Promise<Traffic> {
  const { network, recorder, random, environment, ttlSeconds, size, contender, folder } = options;
  const { library, folder: history } = options;
  const locks: WorkerJob["locks"] =
    contender === "etcd3"
      ? { kind: "etcd3", packages: (await provideNpmPackages()).folder }
      : { kind: "etcd-lock", library };
  const job = {
    ttlSeconds,
    callers: size.callers,
    names,
    locks,
    resource: join(folder, "resource.socket"),
    user: options.account,
  };
  const workers = new Workers({ job, history, recorder, random: random.fork(), environment });
  const workerCount = contender === "etcdctl" ? 0 : size.workers;
  for (let number = 1; number <= workerCount; number += 1) {
    const machine = `machine-${number}`;
    workers.start(machine, await network.connectMachine(machine));
  }
  const slots = async (
    machine: string,
    count: number,
    kindOf: typeof lockerKind,
    of: readonly string[],
  ): Promise<JobSlot[]> => {
    const endpoints = await network.connectMachine(machine);
    const kind = kindOf(options, machine, endpoints);
    return Array.from({ length: count }, (_, index) => {
      const who = `${machine}.${kind.title}-${index + 1}`;
      return new JobSlot(who, {
        ...{ kind, names: of, ttlSeconds, history, recorder, environment },
        random: random.fork(),
      });
    });
  };
  const jobNames = [...names.jobs, ...names.mixed];
  const jobs: JobSlot[] = [];
  const foreign: JobSlot[] = [];
  if (contender === "etcdctl") {
    for (const machine of ["machine-1", "machine-2"])
      jobs.push(...(await slots(machine, size.jobs, etcdctlKind, jobNames)));
  }
  if (contender === "etcd-lock") {
    const perMachine = Math.ceil(size.jobs / 2);
    for (const machine of ["host-1", "host-2"]) jobs.push(...(await slots(machine, perMachine, lockerKind, jobNames)));
    foreign.push(...(await slots(`${foreignMachine}1`, 1, etcdctlKind, names.mixed)));
  }
  const go = contender === "etcd-lock" ? await startGo(options) : undefined;
  return {
    names,
    workers,
    jobs,
    drain: async () => {
      go?.child.stdin?.end();
      await Promise.all([workers.drain(), ...[...jobs, ...foreign].map((slot) => slot.drain()), go?.ended]);
    },
    kill: async () => {
      await workers.kill();
      await Promise.all([...jobs, ...foreign].map((slot) => slot.kill()));
      await go?.kill();
    },
  };
}

function lockerKind(
  { locker, ttlSeconds, account }: TrafficOptions,
  machine: string,
  endpoints: readonly string[],
): JobKind {
  const user = account === undefined ? [] : ["--user", account.name, "--password-file", account.passwordFile];
  const options = ["-e", endpoints.join(","), "-t", String(ttlSeconds), "-i", machine, ...user];
  return {
    title: "etcdlocker",
    family: "own",
    commandLine: (name) => [process.execPath, locker, ...options, "-k", name, "--"],
  };
}

/** Foreign, unless it is tested in our place. */
function etcdctlKind(
  { cluster, ttlSeconds, contender }: TrafficOptions,
  _machine: string,
  endpoints: readonly string[],
): JobKind {
  const { etcdctl } = findEtcd();
  const user = cluster.user === undefined ? [] : [`--user=${cluster.user.name}:${cluster.user.password}`];
  if (etcdctl === undefined) throw new Error("etcdctl was not found");
  return {
    title: "etcdctl",
    family: contender === "etcdctl" ? "own" : "foreign",
    commandLine: (name) => [etcdctl, `--endpoints=${endpoints}`, ...user, "lock", `--ttl=${ttlSeconds}`, name, "--"],
  };
}

/** A program in Go, if Go is there. */
async function startGo(options: TrafficOptions): Promise<Program | undefined> {
  const { cluster, network, folder, ttlSeconds, environment, tell } = options;
  const go = await provideGoProgram(join(rootFolder, "faults/foreign/go"));
  if ("missing" in go) {
    tell(`without a contender in Go: ${go.missing}`);
    return undefined;
  }
  const endpoints = await network.connectMachine(`${foreignMachine}2`);
  const words = [endpoints.join(","), names.mixed.join(","), String(ttlSeconds), `${foreignMachine}2.go`];
  const user = cluster.user === undefined ? [] : [cluster.user.name, cluster.user.password];
  return startProgram(go.thing.path, [...words, join(folder, `go${historyEnding}`), ...user], { environment });
}

function numbered(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `/faults/${kind}-${index + 1}`);
}
