export type { EndpointFailure, EtcdLockErrorCode, LossReason } from "./errors.ts";
export {
  EtcdLockError,
  EtcdRefusedError,
  EtcdUnavailableError,
  LockLostError,
  LockTimeoutError,
  NotHeldError,
} from "./errors.ts";
export type { EtcdOptions, EtcdSource } from "./etcd/endpoints.ts";
export type { HeldLock } from "./held-lock.ts";
export type { JsonValue } from "./line/entry-value.ts";
export type { Line, LineEntry } from "./line/inspect-line.ts";
export type { LockOptions } from "./lock.ts";
export { Lock, Lock as default } from "./lock.ts";
export type { AcquireOptions, LockManagerEvents, LockManagerOptions, Waiting } from "./lock-manager.ts";
export { LockManager } from "./lock-manager.ts";
