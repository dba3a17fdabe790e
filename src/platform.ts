import { type Clock, systemClock } from "./clock.ts";
import type { EtcdAccess } from "./etcd/endpoints.ts";
import type { EtcdClient } from "./etcd/etcd-client.ts";
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
