import { LockManager } from "#dist/index.js";
import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";

/** etcd-lock 2, as this working tree has it. */
export function openEtcdLock({ endpoints, isShared }: Job): LockPeer {
  const manager = new LockManager({ endpoints });
  return {
    locker: (name) => ({
      take: async (signal) => {
        // Only who waits for others has use for a signal.
        const lock = await manager.acquire(name, isShared ? { signal } : undefined);
        return { token: Number(lock.fencingToken), giveBack: () => lock.release() };
      },
    }),
    close: () => manager.close(),
  };
}
