import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";
import { loadPackage } from "./load-package.ts";

type NodeEtcd = new (hosts: readonly string[]) => object;

type EtcdLock1 = new (
  etcd: object,
  key: string,
  id: string,
  ttl: number,
) => {
  lock(): Promise<unknown>;
  unlock(): Promise<unknown>;
};

const ttlSeconds = 60;

/** etcd-lock 1.1.0, on etcd's v2 API. Who has the same id has the same lock: each caller has its own. */
export function openEtcdLock1({ endpoints, packages }: Job): LockPeer {
  const NodeEtcd = loadPackage<NodeEtcd>(packages, "node-etcd");
  const Lock = loadPackage<EtcdLock1>(packages, "etcd-lock");
  const etcd = new NodeEtcd(endpoints);
  return {
    locker: (name, caller) => {
      const lock = new Lock(etcd, name, `${process.pid}-${caller}`, ttlSeconds);
      const taken = { token: 0, giveBack: () => lock.unlock() };
      return { take: () => lock.lock().then(() => taken) };
    },
    close: () => Promise.resolve(),
  };
}
