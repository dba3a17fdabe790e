import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type * as library from "#dist/index.js";
import { authenticate } from "#dist/testing/etcd-user.js";
import { askGateway } from "#dist/testing/gateway.js";
import type { EtcdCluster } from "#dist/testing/index.js";
import { listKeys, listLeases } from "../../test/support/leftovers.ts";
import type { HistoryEvent } from "../history/event.ts";
import { readHistory } from "../history/read-history.ts";
import type { LockNames } from "../worker/worker-job.ts";

/** What clients use of etcd, over all members. */
export interface Usage {
  readonly watchers: number;
  readonly streams: number;
}

const prefix = "/faults/";
/** A record lease lasts at least so long, in seconds: so long may those of killed processes be there. */
const recordLeaseTtl = 600;
const callLimitMs = 2_000;

export async function readUsage({ members }: EtcdCluster): Promise<Usage> {
  const texts = await Promise.all(
    members.map(({ endpoint }) =>
      askGateway({ endpoint, tls: undefined }, { path: "/metrics", timeoutMs: callLimitMs }),
    ),
  );
  const sum = (metric: string): number =>
    texts.reduce((total, text) => total + Number(new RegExp(`^${metric} (\\S+)`, "m").exec(text)?.[1] ?? 0), 0);
  return {
    watchers: sum("etcd_debugging_mvcc_watcher_total"),
    streams: sum("etcd_debugging_mvcc_watch_stream_total"),
  };
}

/** Takes every lock once, as the next one in line would: what killed holders have left goes. */
export async function sweep(cluster: EtcdCluster, names: LockNames, ttl: number, url: string): Promise<void> {
  const { LockManager }: typeof library = await import(url);
  await using manager = new LockManager({ endpoints: cluster.endpoints, user: cluster.user, ttl, id: "sweeper" });
  const timeout = ttl * 4_000 + 10_000;
  // Who cannot be outlived in time is found to be left.
  await Promise.allSettled(
    Object.values(names)
      .flat()
      .map((name) => manager.withLock(name, { timeout }, () => undefined)),
  );
}

/** What is there at the end that should not be, in words; waits for what ends by itself within two TTLs. */
export async function findLeftovers(
  cluster: EtcdCluster,
  ttlSeconds: number,
  { before, marker, history }: { before: Usage; marker: string; history: string },
): Promise<readonly string[]> {
  const givesUpAt = performance.now() + ttlSeconds * 2_000 + 8_000;
  const excusable = (await readHistory(history)).filter(isExcuse).length;
  for (;;) {
    const look = async (): Promise<string[]> => [
      ...(await listKeys(cluster, prefix)).map((key) => `key ${key}`),
      ...(await leasesBeyond(cluster, excusable)),
      ...(await usageBeyond(cluster, before)),
      ...listMarked(marker).map((pid) => `process ${pid}`),
    ];
    const found = await look().catch(() => ["something, perhaps: etcd did not say"]);
    if (found.length === 0 || performance.now() > givesUpAt) return found;
    await delay(500);
  }
}

/** Who is killed, or ends while etcd cannot be reached, leaves the lease of its hold records to time. */
function isExcuse(event: HistoryEvent): boolean {
  if (event.kind === "process") return event.change === "killed";
  return event.kind === "fault" && event.phase === "injected";
}

/** Leases but those of hold records, without keys, that nobody could end. */
async function leasesBeyond(cluster: EtcdCluster, excusable: number): Promise<readonly string[]> {
  const leases = await describeLeases(cluster);
  const isExcused = ({ grantedTTL = "0", keys = [] }: Lease): boolean =>
    Number(grantedTTL) >= recordLeaseTtl && keys.length === 0;
  const excused = leases.filter(isExcused).length;
  const rest = leases.filter((lease) => !isExcused(lease)).map((lease) => `lease ${JSON.stringify(lease)}`);
  return excused > excusable
    ? [...rest, `${excused} leases of hold records, for ${excusable} faults and killed processes`]
    : rest;
}

/** What etcd says of a lease. */
interface Lease {
  readonly grantedTTL?: string;
  readonly keys?: readonly string[];
}

/** All leases. There may be hundreds: each is asked about by a request, not by a process that has to say who it is. */
async function describeLeases(cluster: EtcdCluster): Promise<readonly Lease[]> {
  const { user, endpoints } = cluster;
  const gateway = { endpoint: endpoints[0] ?? "", tls: undefined };
  const token = user === undefined ? undefined : await authenticate(gateway, user, callLimitMs);
  const describe = async (id: string): Promise<Lease> => {
    const body = { ID: String(BigInt(`0x${id}`)), keys: true };
    return JSON.parse(await askGateway(gateway, { path: "/v3/lease/timetolive", body, token, timeoutMs: callLimitMs }));
  };
  return await Promise.all((await listLeases(cluster)).map(describe));
}

async function usageBeyond(cluster: EtcdCluster, before: Usage): Promise<readonly string[]> {
  const now = await readUsage(cluster);
  return (["watchers", "streams"] as const)
    .filter((what) => now[what] > before[what])
    .map((what) => `${now[what]} ${what} in etcd, and ${before[what]} at the beginning`);
}

/** The processes, zombies aside, that were started for this run. */
function listMarked(marker: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(marker);
    } catch {
      return false;
    }
  });
}
