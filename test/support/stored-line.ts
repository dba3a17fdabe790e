import type { EtcdCluster } from "#dist/testing/index.js";

/** A key as etcd has it. */
export interface StoredKey {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** How often it was written, its creation included. */
  readonly version: number;
  /** As etcdctl writes it: lower-case hexadecimal. `0` for none. */
  readonly lease: string;
}

/** What is stored of one lock, each in order of arrival. */
export interface StoredLine {
  readonly entries: readonly StoredKey[];
  readonly records: readonly StoredKey[];
}

/** Reads the line of `name`, a plain one, as it is in etcd, without any help of ours. */
export async function readLine(cluster: EtcdCluster, name: string): Promise<StoredLine> {
  const stored = await readKeys(cluster, name);
  const startingWith = (start: string): StoredKey[] => stored.filter(({ key }) => key.startsWith(start));
  return { entries: startingWith(`${name}/`), records: startingWith(`${name}!`) };
}

/** The only entry in the line of `name`. Rejects when there is none, or more than one. */
export async function readOnlyEntry(cluster: EtcdCluster, name: string): Promise<StoredKey> {
  const { entries } = await readLine(cluster, name);
  return only(entries, `entry of ${name}`);
}

/** The only hold record of `name`. Rejects when there is none, or more than one. */
export async function readOnlyRecord(cluster: EtcdCluster, name: string): Promise<StoredKey> {
  const { records } = await readLine(cluster, name);
  return only(records, `hold record of ${name}`);
}

/** The TTL that etcd granted to the lease of a key, in seconds. Rejects when the lease is gone. */
export async function readGrantedTtl(cluster: EtcdCluster, { lease }: StoredKey): Promise<number> {
  const answer = await cluster.etcdctl("lease", "timetolive", lease);
  const [, seconds] = /granted with TTL\((\d+)s\)/.exec(answer) ?? [];
  if (seconds === undefined) throw new Error(`Lease ${lease}: ${answer}`);
  return Number(seconds);
}

/** The keys that start with `prefix`, in order of creation. */
export async function readKeys(cluster: EtcdCluster, prefix: string): Promise<StoredKey[]> {
  const answer = await cluster.etcdctl("get", "--prefix", "--sort-by=CREATE", "--write-out=json", "--", prefix);
  // Lease ids are larger than the numbers of JavaScript.
  const { kvs = [] }: { kvs?: JsonKey[] } = JSON.parse(answer.replace(/:(\d{16,})/g, ':"$1"'));
  return kvs.map(({ key, value = "", create_revision, mod_revision, version, lease = 0 }) => ({
    key: Buffer.from(key, "base64").toString(),
    value: Buffer.from(value, "base64").toString(),
    createRevision: BigInt(create_revision),
    modRevision: BigInt(mod_revision),
    version: Number(version),
    lease: BigInt(lease).toString(16),
  }));
}

interface JsonKey {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: number | string;
  readonly mod_revision: number | string;
  readonly version: number;
  readonly lease?: number | string;
}

function only(keys: readonly StoredKey[], what: string): StoredKey {
  const [key, ...more] = keys;
  if (key === undefined || more.length > 0)
    throw new Error(`There should be one ${what}, and there are ${keys.length}`);
  return key;
}
