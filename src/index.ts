export type { AcquireOptions, TryAcquireOptions, Waiting } from "./acquire-options.ts";
export type { EndpointFailure, EtcdLockErrorCode, LossReason } from "./errors.ts";
export {
  EtcdLockError,
  EtcdRefusedError,
  EtcdUnavailableError,
  LockLostError,
  LockTimeoutError,
  NotAvailableError,
  NotHeldError,
} from "./errors.ts";
export type { EtcdApi, EtcdOptions, EtcdSource } from "./etcd/endpoints.ts";
export type { Etcd3Client } from "./etcd/etcd3-client.ts";
export type { EtcdUserOptions } from "./etcd/password.ts";
export type { TlsOptions } from "./etcd/tls.ts";
export type { Comparison, Operation, OperationResult } from "./etcd/transaction.ts";
export type { Guard, HeldLock, LockMode } from "./held-lock.ts";
export type { HeldLocks } from "./held-locks.ts";
export type { Leadership } from "./leadership.ts";
export type { JsonValue } from "./line/entry-value.ts";
export type { Guarded } from "./line/hold-transactions.ts";
export type { Line, LineEntry } from "./line/inspect-line.ts";
export type { Leader } from "./line/read-leader.ts";
export type { LockOptions } from "./lock.ts";
export { Lock, Lock as default } from "./lock.ts";
export type { LockManagerEvents } from "./lock-events.ts";
export { LockManager } from "./lock-manager.ts";
export type { ElectOptions, LockManagerOptions, LockManagerSettings, WatchOptions } from "./lock-manager-options.ts";
export type { LockEtcd } from "./provide-locks.ts";
export type { NodeEtcdClient } from "./v2/node-etcd.ts";
export type { LockGrantedCallback, LockRequestOptions } from "./web-locks/lock-request.ts";
export type { LockInfo, LockManagerSnapshot } from "./web-locks/snapshot.ts";
