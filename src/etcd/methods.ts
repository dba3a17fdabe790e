import type { Method } from "./connection.ts";
import {
  LeaseGrantRequestSchema,
  LeaseGrantResponseSchema,
  LeaseKeepAliveRequestSchema,
  LeaseKeepAliveResponseSchema,
  LeaseRevokeRequestSchema,
  LeaseRevokeResponseSchema,
  LeaseTimeToLiveRequestSchema,
  LeaseTimeToLiveResponseSchema,
  TxnRequestSchema,
  TxnResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from "./gen/etcd_pb.ts";

export const txn: Method<typeof TxnRequestSchema, typeof TxnResponseSchema> = {
  path: "/etcdserverpb.KV/Txn",
  request: TxnRequestSchema,
  response: TxnResponseSchema,
};

export const leaseGrant: Method<typeof LeaseGrantRequestSchema, typeof LeaseGrantResponseSchema> = {
  path: "/etcdserverpb.Lease/LeaseGrant",
  request: LeaseGrantRequestSchema,
  response: LeaseGrantResponseSchema,
};

export const leaseKeepAlive: Method<typeof LeaseKeepAliveRequestSchema, typeof LeaseKeepAliveResponseSchema> = {
  path: "/etcdserverpb.Lease/LeaseKeepAlive",
  request: LeaseKeepAliveRequestSchema,
  response: LeaseKeepAliveResponseSchema,
};

export const leaseRevoke: Method<typeof LeaseRevokeRequestSchema, typeof LeaseRevokeResponseSchema> = {
  path: "/etcdserverpb.Lease/LeaseRevoke",
  request: LeaseRevokeRequestSchema,
  response: LeaseRevokeResponseSchema,
};

export const leaseTimeToLive: Method<typeof LeaseTimeToLiveRequestSchema, typeof LeaseTimeToLiveResponseSchema> = {
  path: "/etcdserverpb.Lease/LeaseTimeToLive",
  request: LeaseTimeToLiveRequestSchema,
  response: LeaseTimeToLiveResponseSchema,
};

export const watch: Method<typeof WatchRequestSchema, typeof WatchResponseSchema> = {
  path: "/etcdserverpb.Watch/Watch",
  request: WatchRequestSchema,
  response: WatchResponseSchema,
};
