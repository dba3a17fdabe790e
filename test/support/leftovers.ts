import type { EtcdCluster } from "#dist/testing/index.js";
import { eventually } from "./eventually.ts";

/** What is in an etcd cluster. */
export interface Leftovers {
  readonly keys: readonly string[];
  /** Ids in hexadecimal, of the whole cluster. */
  readonly leases: readonly string[];
}

/** The keys that start with `prefix`, and all leases. */
export async function listLeftovers(cluster: EtcdCluster, prefix = ""): Promise<Leftovers> {
  return { keys: await listKeys(cluster, prefix), leases: await listLeases(cluster) };
}

/** The keys that start with `prefix`, in order of their bytes. */
export async function listKeys(cluster: EtcdCluster, prefix: string): Promise<string[]> {
  const answer = await cluster.etcdctl("get", "--prefix", "--keys-only", "--write-out=json", "--", prefix);
  const { kvs = [] }: { kvs?: { key: string }[] } = JSON.parse(answer);
  return kvs.map(({ key }) => Buffer.from(key, "base64").toString("utf8"));
}

/** The ids of all leases of the cluster, in lower-case hexadecimal without leading zeros, as in our keys. */
export async function listLeases(cluster: EtcdCluster): Promise<string[]> {
  const [, ...ids] = (await cluster.etcdctl("lease", "list")).trim().split("\n");
  return ids.map((id) => BigInt(`0x${id}`).toString(16));
}

/** Resolves when no key under `prefix` and no lease at all is left. Rejects after `limitMs`, saying what is. */
export async function assertNothingLeft(cluster: EtcdCluster, prefix = "", limitMs = 5_000): Promise<void> {
  await eventually(
    `nothing is left in etcd under ${JSON.stringify(prefix)}`,
    () => listLeftovers(cluster, prefix),
    ({ keys, leases }) => keys.length === 0 && leases.length === 0,
    limitMs,
  );
}
