import { join } from "node:path";
import { type EtcdCluster, findEtcd, startEtcd } from "#dist/testing/index.js";
import { rootFolder } from "../../provision/root-folder.ts";
import { runProgram } from "../../provision/run-program.ts";

/** What etcd a scenario runs on. */
export interface EtcdSetup {
  readonly members: number;
  /** What each sync of the disk takes longer, in microseconds. */
  readonly diskDelayUs: number;
}

export const oneMember: EtcdSetup = { members: 1, diskDelayUs: 0 };
export const threeMembersOnSlowDisks: EtcdSetup = { members: 3, diskDelayUs: 2_000 };

const slowDiskEtcd = join(rootFolder, "bench/peers/slow-disk-etcd.sh");

/** Millions of revisions come together in one scenario, and etcd's own limit of 2 GiB with them. */
const quotaBytes = 8 * 1_024 ** 3;

/** A new and empty etcd that writes to disk as in production, unlike the one of the tests. */
export async function startBenchEtcd({ members, diskDelayUs }: EtcdSetup): Promise<EtcdCluster> {
  const extraArguments = [`--quota-backend-bytes=${quotaBytes}`, ...(await productionWords())];
  if (diskDelayUs === 0) return await startEtcd({ members, extraArguments });
  const environment = { SLOW_ETCD: findEtcd().etcd, DISK_DELAY_US: String(diskDelayUs) };
  return await withEnvironment({ ...environment, ETCD_BIN: slowDiskEtcd }, () =>
    startEtcd({ members, extraArguments, environment }),
  );
}

/** Whether etcd can still be asked for the API of etcd-lock 1.x. */
export async function hasV2(): Promise<boolean> {
  return (await readHelp()).includes("--enable-v2 ");
}

/** `etcd --version`, its first line. */
export async function readEtcdVersion(): Promise<string> {
  const [line = "unknown"] = (await runProgram(findEtcd().etcd, ["--version"])).split("\n");
  return line.replace("etcd Version: ", "");
}

async function productionWords(): Promise<string[]> {
  const help = await readHelp();
  const words = ["--unsafe-no-fsync=false", "--enable-v2=true"];
  return words.filter((word) => help.includes(`${word.slice(0, word.indexOf("="))} `));
}

async function readHelp(): Promise<string> {
  return await runProgram("/bin/sh", ["-c", '"$0" --help 2>&1', findEtcd().etcd]);
}

/** Where etcd is found is read from our own environment. */
async function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
