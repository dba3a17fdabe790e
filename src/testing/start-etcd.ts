import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EtcdCluster } from "./etcd-cluster.ts";
import { readSpeedFlags } from "./etcd-flags.ts";
import { EtcdMember, EtcdStartError } from "./etcd-member.ts";
import { findEtcd } from "./find-etcd.ts";
import { findFreePorts } from "./free-ports.ts";

const portAttempts = 5;

/** What cluster to start. */
export interface StartEtcdOptions {
  /** How many members; 1 by default. */
  readonly members?: number;
  /** Folder for data and logs, kept at the end; by default a temporary one, which is removed. */
  readonly dataDir?: string;
  /** Client port of each member; by default free ones. */
  readonly ports?: readonly number[];
  /** Further command line words for every member; they win over ours. */
  readonly extraArguments?: readonly string[];
  /** Further environment variables. Those of this process whose names start with `ETCD` are not passed on. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Starts a real etcd cluster on loopback ports, with etcd's own timing, and resolves when every member carries out
 * linearizable reads. Rejects when etcd is not installed, and with the end of its log when it does not start.
 * The cluster ends with this process at the latest, however that ends, and does not keep it alive.
 */
export async function startEtcd(options: StartEtcdOptions = {}): Promise<EtcdCluster> {
  const count = countMembers(options);
  const { etcd, etcdctl } = findEtcd();
  const setup: Setup = {
    etcd,
    etcdctl,
    environment: environmentOfEtcd(options.environment),
    words: [...(await readSpeedFlags(etcd)), ...(options.extraArguments ?? [])],
  };
  for (let attempt = 1; ; attempt++) {
    const cluster = await arrangeCluster(setup, count, options);
    try {
      await Promise.all(cluster.members.map((member) => member.start()));
      return cluster;
    } catch (error) {
      await cluster.stop();
      const mayRetry = options.ports === undefined && attempt < portAttempts;
      if (!(mayRetry && error instanceof EtcdStartError && error.isPortTaken)) throw error;
    }
  }
}

/** What all members have in common. */
interface Setup {
  readonly etcd: string;
  readonly etcdctl: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** Last words of every command line. */
  readonly words: readonly string[];
}

function countMembers({ members, ports }: StartEtcdOptions): number {
  const count = members ?? ports?.length ?? 1;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`members is ${count}, and must be a whole number from 1`);
  }
  if (ports !== undefined && ports.length !== count) {
    throw new RangeError(`ports has ${ports.length} ports, and must have one for each of the ${count} members`);
  }
  return count;
}

async function arrangeCluster(setup: Setup, count: number, options: StartEtcdOptions): Promise<EtcdCluster> {
  const freePorts = await findFreePorts(2 * count);
  const clientPorts = options.ports ?? freePorts.slice(0, count);
  const peerPorts = freePorts.slice(count);
  const ownFolder = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), "etcd-lock-")) : undefined;
  const root = ownFolder ?? resolve(options.dataDir ?? "");
  const initialCluster = peerPorts.map((port, index) => `${memberName(index)}=http://127.0.0.1:${port}`);
  const members = clientPorts.map((clientPort, index) => {
    const name = memberName(index);
    const folder = join(root, name);
    const dataFolder = join(folder, "data");
    return new EtcdMember({
      name,
      endpoint: `127.0.0.1:${clientPort}`,
      program: setup.etcd,
      words: [
        `--name=${name}`,
        `--data-dir=${dataFolder}`,
        `--listen-client-urls=http://127.0.0.1:${clientPort}`,
        `--advertise-client-urls=http://127.0.0.1:${clientPort}`,
        `--listen-peer-urls=http://127.0.0.1:${peerPorts[index]}`,
        `--initial-advertise-peer-urls=http://127.0.0.1:${peerPorts[index]}`,
        `--initial-cluster=${initialCluster}`,
        // As the child of process 1, in a container, etcd would write to the system's journal.
        "--log-outputs=stderr",
        ...setup.words,
      ],
      environment: setup.environment,
      dataFolder,
      logFile: join(folder, "etcd.log"),
      ownFolder: ownFolder === undefined ? "" : folder,
    });
  });
  return new EtcdCluster({ ...setup, members, ownFolder });
}

function memberName(index: number): string {
  return `member${index + 1}`;
}

/** etcd reads every flag from `ETCD_…` too, and etcdctl from `ETCDCTL_…`: ours must not be set from outside. */
function environmentOfEtcd(additions: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ETCD"));
  return { ...Object.fromEntries(inherited), ...additions };
}
