// npm run soak -- [--minutes 30]
// A constant number of contenders takes and gives back locks; whatever grows meanwhile is a leak.

import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LockManager } from "#dist/index.js";
import { type EtcdCluster, startEtcd } from "#dist/testing/index.js";
import { assertNothingLeft, listLeases } from "../support/leftovers.ts";
import { type Sample, whatGrew } from "./what-grew.ts";

const contenders = 40;
const names = 10;
const samples = 30;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const { values } = parseArgs({ options: { minutes: { type: "string", default: "30" } } });
const durationMs = Number(values.minutes) * 60_000;
if (!(durationMs > 0)) {
  console.error(`--minutes must be a positive number; got ${JSON.stringify(values.minutes)}`);
  process.exit(64);
}

const cluster = await startEtcd();
const manager = new LockManager({ endpoints: cluster.endpoints, ttl: 5 });
let pairs = 0;
let isOver = false;
const running = Array.from({ length: contenders }, async (_, index) => {
  while (!isOver) {
    const lock = await manager.acquire(`/soak/${index % names}`);
    await delay(index % 5);
    await lock.release();
    pairs += 1;
  }
});

const taken: Sample[] = [];
for (let count = 0; count < samples; count += 1) {
  await delay(durationMs / samples);
  taken.push(await takeSample(cluster));
  console.table(taken.slice(-1));
}
isOver = true;
await Promise.all(running);
await manager.close();
await assertNothingLeft(cluster);
await cluster.stop();
const grown = whatGrew(taken);
console.log(
  `${pairs} times taken and given back. ${grown.length === 0 ? "Nothing grew." : `Grew: ${grown.join(", ")}`}`,
);
process.exitCode = grown.length === 0 ? 0 : 1;

async function takeSample(etcd: EtcdCluster): Promise<Sample> {
  collectGarbage();
  const metrics = await (await fetch(`http://${etcd.members[0]?.endpoint}/metrics`)).text();
  const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, "m").exec(metrics)?.[1]);
  return {
    minutes: Math.round(performance.now() / 6_000) / 10,
    pairs,
    heapMb: Math.round(process.memoryUsage().heapUsed / 1e5) / 10,
    residentMb: Math.round(process.memoryUsage().rss / 1e6),
    handles: process.getActiveResourcesInfo().length,
    leases: (await listLeases(etcd)).length,
    watchers: metric("etcd_debugging_mvcc_watcher_total"),
    streams: metric("etcd_debugging_mvcc_watch_stream_total"),
  };
}
