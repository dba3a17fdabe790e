import type { Method } from "./connection.ts";
import { decodeTransaction, type TransactionOutcome } from "./decode-transaction.ts";
import { encodeTransaction } from "./encode-transaction.ts";
import {
  AuthenticateRequest,
  AuthenticateResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  MemberListRequest,
  MemberListResponse,
  WatchRequest,
  WatchResponse,
} from "./gen/etcd.ts";
import type { Transaction } from "./transaction.ts";

export const txn: Method<Transaction, TransactionOutcome> = {
  path: "/etcdserverpb.KV/Txn",
  request: { encode: encodeTransaction },
  response: { decode: decodeTransaction },
};

export const leaseGrant: Method<LeaseGrantRequest, LeaseGrantResponse> = {
  path: "/etcdserverpb.Lease/LeaseGrant",
  request: LeaseGrantRequest,
  response: LeaseGrantResponse,
};

export const leaseKeepAlive: Method<LeaseKeepAliveRequest, LeaseKeepAliveResponse> = {
  path: "/etcdserverpb.Lease/LeaseKeepAlive",
  request: LeaseKeepAliveRequest,
  response: LeaseKeepAliveResponse,
};

export const leaseRevoke: Method<LeaseRevokeRequest, LeaseRevokeResponse> = {
  path: "/etcdserverpb.Lease/LeaseRevoke",
  request: LeaseRevokeRequest,
  response: LeaseRevokeResponse,
};

export const leaseTimeToLive: Method<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse> = {
  path: "/etcdserverpb.Lease/LeaseTimeToLive",
  request: LeaseTimeToLiveRequest,
  response: LeaseTimeToLiveResponse,
};

export const watch: Method<WatchRequest, WatchResponse> = {
  path: "/etcdserverpb.Watch/Watch",
  request: WatchRequest,
  response: WatchResponse,
};

export const authenticate: Method<AuthenticateRequest, AuthenticateResponse> = {
  path: "/etcdserverpb.Auth/Authenticate",
  request: AuthenticateRequest,
  response: AuthenticateResponse,
};

export const memberList: Method<MemberListRequest, MemberListResponse> = {
  path: "/etcdserverpb.Cluster/MemberList",
  request: MemberListRequest,
  response: MemberListResponse,
};
