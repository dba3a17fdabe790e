import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { EtcdCluster } from "./etcd-cluster.ts";
import { readSpeedFlags } from "./etcd-flags.ts";
import { EtcdMember } from "./etcd-member.ts";
import { inventRoot } from "./etcd-user.ts";
import type { EtcdPrograms } from "./find-etcd.ts";
import { findFreePorts } from "./free-ports.ts";
import type { StartEtcdOptions } from "./start-etcd-options.ts";

/** The members of a cluster of `count`, on ports and in folders of their own, not started yet. */
export async function arrangeCluster(
  { etcd, etcdctl }: EtcdPrograms,
  count: number,
  options: StartEtcdOptions,
): Promise<EtcdCluster> {
  const speedFlags = await readSpeedFlags(etcd);
  const freePorts = await findFreePorts(2 * count);
  const clientPorts = options.ports ?? freePorts.slice(0, count);
  const peerPorts = freePorts.slice(count);
  const { root, ownFolder, certificates } = await makeFolder(options);
  const lastWords = [
    ...speedFlags,
    ...tlsFlags(certificates),
    ...(options.auth ? ["--bcrypt-cost=4"] : []),
    ...(options.extraArguments ?? []),
  ];
  const environment = environmentOfEtcd(options.environment);
  const tls = certificates?.client;
  const scheme = tls === undefined ? "http" : "https";
  const peerAddresses = peerPorts.map((port) => `127.0.0.1:${port}`);
  const lookedForAt = await Promise.all(peerAddresses.map((address) => options.peerNetwork?.(address) ?? address));
  const initialCluster = lookedForAt.map((address, index) => `${memberName(index)}=http://${address}`);
  const members = clientPorts.map((clientPort, index) => {
    const name = memberName(index);
    const folder = join(root, name);
    const dataFolder = join(folder, "data");
    return new EtcdMember({
      name,
      endpoint: `127.0.0.1:${clientPort}`,
      tls,
      program: etcd,
      words: [
        `--name=${name}`,
        `--data-dir=${dataFolder}`,
        `--listen-client-urls=${scheme}://127.0.0.1:${clientPort}`,
        `--advertise-client-urls=${scheme}://127.0.0.1:${clientPort}`,
        `--listen-peer-urls=http://${peerAddresses[index]}`,
        `--initial-advertise-peer-urls=http://${lookedForAt[index]}`,
        `--initial-cluster=${initialCluster}`,
        // As the child of process 1, in a container, etcd would write to the system's journal.
        "--log-outputs=stderr",
        ...lastWords,
      ],
      environment,
      dataFolder,
      logFile: join(folder, "etcd.log"),
      ownFolder: ownFolder === undefined ? "" : folder,
    });
  });
  const user = options.auth ? inventRoot() : undefined;
  return new EtcdCluster({ members, etcdctl, environment, tls, user, ownFolder });
}

interface Folder {
  readonly root: string;
  /** The same, unless it is the caller's. */
  readonly ownFolder: string | undefined;
  readonly certificates: Certificates | undefined;
}

async function makeFolder({ dataDir, tls }: StartEtcdOptions): Promise<Folder> {
  const ownFolder = dataDir === undefined ? await mkdtemp(join(tmpdir(), "etcd-lock-")) : undefined;
  const root = ownFolder ?? resolve(dataDir ?? "");
  try {
    // What is in a member's folder is removed with it, should this process be killed.
    const certificates = tls ? await makeCertificates(join(root, memberName(0), "tls")) : undefined;
    return { root, ownFolder, certificates };
  } catch (error) {
    if (ownFolder !== undefined) await rm(ownFolder, { recursive: true, force: true });
    throw error;
  }
}

function memberName(index: number): string {
  return `member${index + 1}`;
}

function tlsFlags(certificates: Certificates | undefined): string[] {
  if (certificates === undefined) return [];
  const { caFile, certFile, keyFile } = certificates.server;
  return [`--trusted-ca-file=${caFile}`, `--cert-file=${certFile}`, `--key-file=${keyFile}`, "--client-cert-auth"];
}

/** etcd reads every flag from `ETCD_…` too, and etcdctl from `ETCDCTL_…`: ours must not be set from outside. */
function environmentOfEtcd(additions: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ETCD"));
  return { ...Object.fromEntries(inherited), ...additions };
}
