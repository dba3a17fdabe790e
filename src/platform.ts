import { type Clock, systemClock } from "./clock.ts";
import { type EtcdAccess, parseEtcdSource } from "./etcd/endpoints.ts";
import type { EtcdClient } from "./etcd/etcd-client.ts";
import { isEtcd3Client, openEtcd3 } from "./etcd/etcd3-client.ts";
import { GrpcEtcdClient } from "./etcd/grpc-etcd-client.ts";

/** What a manager stands on: time, and the way to etcd. Tests give another. */
export interface Platform {
  readonly clock: Clock;
  readonly connect: (etcd: EtcdAccess) => EtcdClient;
}

/** This machine and its network. */
export const realPlatform: Platform = {
  clock: systemClock,
  connect: (etcd) => new GrpcEtcdClient(etcd, systemClock),
};

/**
 * The way to the etcd that is meant by `etcd`, for a manager.
 *
 * @throws TypeError that names what came and what is allowed.
 */
export function connectTo(etcd: unknown, { clock, connect }: Platform): EtcdClient {
  if (isEtcd3Client(etcd)) return openEtcd3(etcd, clock);
  const access = parseEtcdSource(etcd);
  if (access.api === 3) return connect(access);
  throw new TypeError("a LockManager needs etcd's v3 API; on the v2 API there is the class Lock");
}
