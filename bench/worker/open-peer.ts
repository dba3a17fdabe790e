import type { Job } from "../protocol.ts";
import type { LockPeer } from "./lock-peer.ts";

/** Connects to what the job names, loading that peer's code alone. */
export async function openPeer(job: Job): Promise<LockPeer> {
  switch (job.peer) {
    case "etcd-lock":
      return (await import("./peers/etcd-lock.ts")).openEtcdLock(job);
    case "etcd-lock-unbatched":
      return (await import("./peers/etcd-lock-unbatched.ts")).openUnbatchedEtcdLock(job);
    case "node-put":
      return (await import("./peers/bare-writes.ts")).openPuts(job);
    case "node-put-delete":
      return (await import("./peers/bare-writes.ts")).openPutsAndDeletes(job);
    case "etcd3":
      return (await import("./peers/etcd3.ts")).openEtcd3(job);
    case "etcd-lock-1":
      return (await import("./peers/etcd-lock-1.ts")).openEtcdLock1(job);
    case "redlock":
      return (await import("./peers/redlock.ts")).openRedlock(job);
    case "redis-semaphore":
      return (await import("./peers/redis-semaphore.ts")).openRedisSemaphore(job);
    default:
      throw new Error(`unknown peer ${job.peer}`);
  }
}
