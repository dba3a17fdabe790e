import { after } from "node:test";
import { type EtcdCluster, startEtcd } from "#dist/testing/index.js";
import { assertNothingLeft } from "./leftovers.ts";

/** An etcd for the tests of one file: stopped after them, when nothing of ours is left in it. */
export async function startEtcdForFile(): Promise<EtcdCluster> {
  const cluster = await startEtcd();
  after(async () => {
    try {
      await assertNothingLeft(cluster);
    } finally {
      await cluster.stop();
    }
  });
  return cluster;
}

/** An etcd for the tests of one file that leave something behind: a crash leaves leases, which end by themselves. */
export async function startEtcdForCrashes(): Promise<EtcdCluster> {
  const cluster = await startEtcd();
  after(() => cluster.stop());
  return cluster;
}

let names = 0;

/** The name of a lock that no other test uses. */
export function newName(): string {
  names += 1;
  return `/test/${process.pid}/${names}`;
}
