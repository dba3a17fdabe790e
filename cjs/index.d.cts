// Says to TypeScript what index.cjs gives: the constructor, on which everything else that is exported hangs.
import type * as esm from "../dist/index.js" with { "resolution-mode": "import" };

declare const Lock: typeof esm.Lock;
type Lock = esm.Lock;

declare namespace Lock {
  export type AcquireOptions = esm.AcquireOptions;
  export type Comparison = esm.Comparison;
  export type ElectOptions = esm.ElectOptions;
  export type EndpointFailure = esm.EndpointFailure;
  export type EtcdLockError = esm.EtcdLockError;
  export type EtcdLockErrorCode = esm.EtcdLockErrorCode;
  export type Etcd3Client = esm.Etcd3Client;
  export type EtcdApi = esm.EtcdApi;
  export type EtcdOptions = esm.EtcdOptions;
  export type EtcdRefusedError = esm.EtcdRefusedError;
  export type EtcdSource = esm.EtcdSource;
  export type EtcdUnavailableError = esm.EtcdUnavailableError;
  export type EtcdUserOptions = esm.EtcdUserOptions;
  export type Guard = esm.Guard;
  export type Guarded = esm.Guarded;
  export type HeldLock = esm.HeldLock;
  export type HeldLocks = esm.HeldLocks;
  export type JsonValue = esm.JsonValue;
  export type Leader = esm.Leader;
  export type Leadership = esm.Leadership;
  export type Line = esm.Line;
  export type LineEntry = esm.LineEntry;
  export type Lock = esm.Lock;
  export type LockEtcd = esm.LockEtcd;
  export type LockGrantedCallback<T> = esm.LockGrantedCallback<T>;
  export type LockInfo = esm.LockInfo;
  export type LockLostError = esm.LockLostError;
  export type LockManager = esm.LockManager;
  export type LockManagerEvents = esm.LockManagerEvents;
  export type LockManagerOptions = esm.LockManagerOptions;
  export type LockManagerSettings = esm.LockManagerSettings;
  export type LockManagerSnapshot = esm.LockManagerSnapshot;
  export type LockMode = esm.LockMode;
  export type LockOptions = esm.LockOptions;
  export type LockRequestOptions = esm.LockRequestOptions;
  export type LockTimeoutError = esm.LockTimeoutError;
  export type LossReason = esm.LossReason;
  export type NodeEtcdClient = esm.NodeEtcdClient;
  export type NotAvailableError = esm.NotAvailableError;
  export type NotHeldError = esm.NotHeldError;
  export type Operation = esm.Operation;
  export type OperationResult = esm.OperationResult;
  export type TlsOptions = esm.TlsOptions;
  export type TryAcquireOptions = esm.TryAcquireOptions;
  export type Waiting = esm.Waiting;
  export type WatchOptions = esm.WatchOptions;
}

export = Lock;
