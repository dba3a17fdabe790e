import { systemClock } from "#dist/clock.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import type { Platform } from "#dist/platform.js";

/** This machine and its network, with a way to etcd that `alter` changes before it is used. */
export function withClient(alter: (client: GrpcEtcdClient) => void): Platform {
  return {
    clock: systemClock,
    connect: (etcd) => {
      const client = new GrpcEtcdClient(etcd, systemClock);
      alter(client);
      return client;
    },
  };
}
