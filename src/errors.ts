/** What went wrong, as a word that programs can compare. */
export type EtcdLockErrorCode =
  | "LOCK_LOST"
  | "NOT_HELD"
  | "LOCK_TIMEOUT"
  | "NOT_AVAILABLE"
  | "LOCK_ABANDONED"
  | "ETCD_UNAVAILABLE"
  | "ETCD_REFUSED"
  | "CLOSED";

/** Base class of every error this package makes on purpose, `TypeError` and `RangeError` for bad arguments aside. */
export class EtcdLockError extends Error {
  override readonly name: string = "EtcdLockError";
  /** The kind of failure; stable across versions. */
  readonly code: EtcdLockErrorCode;

  constructor(code: EtcdLockErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why a lock is no longer certainly held. */
export type LossReason =
  /** No renewal was proved in time: the deadline passed. */
  | "deadline"
  /** Our entry in the line was deleted by somebody else. */
  | "entry-deleted"
  /** Our entry in the line was written by somebody else, perhaps with the same value. */
  | "entry-overwritten"
  /** The hold record was removed or replaced by somebody else. */
  | "record-gone"
  /** etcd says that our lease has ended. */
  | "lease-ended"
  /** Another cluster, or one whose data went back in time, answers at our endpoints. */
  | "cluster-changed";

/** What a {@link LockLostError} is made of. */
export interface LockLossDetails {
  readonly key: string;
  readonly id: string;
  readonly fencingToken: bigint;
  readonly reason: LossReason;
  /** The reason in words, for people. */
  readonly explanation: string;
}

/** The lock is no longer certainly held. Told once per loss, never after somebody else can hold the lock. */
export class LockLostError extends EtcdLockError {
  override readonly name = "LockLostError";
  /** The name of the lock. */
  readonly key: string;
  /** The id of the owner that lost it. */
  readonly id: string;
  /** The etcd revision at which the lock had been acquired, as in 1.x: the fencing token as a number. */
  readonly index: number;
  /** The fencing token of the hold that ended. */
  readonly fencingToken: bigint;
  /** Why, as a word. */
  readonly reason: LossReason;

  constructor(details: LockLossDetails, options?: ErrorOptions) {
    super("LOCK_LOST", `Lost lock ${JSON.stringify(details.key)}: ${details.explanation}`, options);
    this.key = details.key;
    this.id = details.id;
    this.index = Number(details.fencingToken);
    this.fencingToken = details.fencingToken;
    this.reason = details.reason;
  }
}

/** Something was asked of a lock that only its holder can do. */
export class NotHeldError extends EtcdLockError {
  override readonly name = "NotHeldError";

  constructor(message: string, options?: ErrorOptions) {
    super("NOT_HELD", message, options);
  }
}

/** The time limit of a wait ended before its turn came. The line has been left. */
export class LockTimeoutError extends EtcdLockError {
  override readonly name = "LockTimeoutError";

  constructor(message: string, options?: ErrorOptions) {
    super("LOCK_TIMEOUT", message, options);
  }
}

/** A lock was not to be had at once, and the caller did not want to wait. The line has been left. */
export class NotAvailableError extends EtcdLockError {
  override readonly name = "NotAvailableError";

  constructor(message: string, options?: ErrorOptions) {
    super("NOT_AVAILABLE", message, options);
  }
}

/** How one endpoint failed. */
export interface EndpointFailure {
  readonly endpoint: string;
  readonly message: string;
}

/** No endpoint answered in time. Whether the last request was carried out is not known. */
export class EtcdUnavailableError extends EtcdLockError {
  override readonly name = "EtcdUnavailableError";
  /** The last failure of each endpoint that was tried. */
  readonly failures: readonly EndpointFailure[];

  constructor(message: string, failures: readonly EndpointFailure[], options?: ErrorOptions) {
    super("ETCD_UNAVAILABLE", message, options);
    this.failures = failures;
  }
}

/** etcd answered, and said no. Trying again elsewhere would not help. */
export class EtcdRefusedError extends EtcdLockError {
  override readonly name = "EtcdRefusedError";
  /** The gRPC status, for example `PERMISSION_DENIED`. */
  readonly status: string;
  /** The endpoint that refused. */
  readonly endpoint: string;

  constructor(message: string, status: string, endpoint: string, options?: ErrorOptions) {
    super("ETCD_REFUSED", message, options);
    this.status = status;
    this.endpoint = endpoint;
  }
}
