import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";
import { loadPackage } from "./load-package.ts";

interface Etcd3Lock {
  acquire(): Promise<unknown>;
  release(): Promise<unknown>;
}

interface Etcd3Package {
  Etcd3: new (options: { hosts: readonly string[] }) => { lock(name: string): Etcd3Lock; close(): void };
}

/** npm `etcd3`: a lease of its own for each lock; it cannot wait for a lock. */
export function openEtcd3({ endpoints, packages }: Job): LockPeer {
  const { Etcd3 } = loadPackage<Etcd3Package>(packages, "etcd3");
  const client = new Etcd3({ hosts: endpoints.map((endpoint) => `http://${endpoint}`) });
  return {
    locker: (name) => ({
      take: async () => {
        const lock = client.lock(name);
        await lock.acquire();
        return { token: 0, giveBack: () => lock.release() };
      },
    }),
    close: () => Promise.resolve(client.close()),
  };
}
