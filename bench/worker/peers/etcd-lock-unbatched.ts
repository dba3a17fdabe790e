import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";
import { openEtcdLock } from "./etcd-lock.ts";

/** etcd-lock 2 with each transaction sent by itself: only those that say which line they concern travel together. */
export function openUnbatchedEtcdLock(job: Job): LockPeer {
  const { transact } = GrpcEtcdClient.prototype;
  GrpcEtcdClient.prototype.transact = function (transaction, options) {
    return transact.call(this, { ...transaction, line: undefined }, options);
  };
  return openEtcdLock(job);
}
