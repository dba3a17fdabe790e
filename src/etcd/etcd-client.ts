import type { Signal } from "../abort.ts";
import type { Operation, OperationResult, Transaction } from "./transaction.ts";

/** What every answer of etcd says about the cluster. */
export interface Header {
  readonly clusterId: bigint;
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

/** An answer, with the time by {@link Clock.now} at which the try that it answers was *sent*. */
export interface Answer {
  readonly header: Header;
  readonly sentAt: number;
  /** An earlier try of the same call got no answer: it may have been carried out as well, or may be yet. */
  readonly unsettled: boolean;
}

export interface TransactionAnswer extends Answer {
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

export interface LeaseAnswer extends Answer {
  /** The granted TTL in seconds; 0 or less when the lease is gone. */
  readonly ttl: number;
}

export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: Signal | undefined;
  /** How long to go on trying, in milliseconds. `Infinity` is allowed. */
  readonly timeoutMs: number;
  /** How long one endpoint may take to answer one try, in milliseconds. */
  readonly tryTimeoutMs?: number | undefined;
  /** One try only: what must not be carried out twice. */
  readonly once?: boolean | undefined;
  /** Told of each try that got no answer. */
  readonly onFailedTry?: ((endpoint: string, message: string) => void) | undefined;
}

/** Which keys are watched. */
export interface WatchTarget {
  readonly key: string;
  /** The first key after the watched range; without it, `key` alone is watched. */
  readonly rangeEnd?: string | undefined;
  /** Only deletions are told. */
  readonly deletionsOnly?: boolean | undefined;
}

/** One change that etcd tells of. */
export interface KeyEvent {
  readonly kind: "put" | "delete";
  readonly key: string;
  readonly modRevision: bigint;
  readonly createRevision: bigint;
  readonly leaseId: bigint;
  readonly value: Uint8Array;
}

export interface WatchListener {
  /**
   * The watch stands, and tells of everything after `revision`: the moment to read, unless what is known is as new.
   * Called again after each interruption.
   */
  onConfirmed(revision: bigint): void;
  onChange(events: readonly KeyEvent[]): void;
}

/** A watch under way. */
export interface Watch {
  close(): void;
}

/**
 * All that this package asks of etcd. Each call goes on to other endpoints by itself until it is answered, refused
 * (`EtcdRefusedError`), aborted, or out of time (`EtcdUnavailableError`).
 */
export interface EtcdClient {
  readonly endpoints: readonly string[];
  transact(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer>;
  /** Grants a lease with an id of the caller's choice. `FAILED_PRECONDITION` when it exists. */
  grantLease(id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer>;
  /** Renews a lease once. */
  keepAlive(id: bigint, options: CallOptions): Promise<LeaseAnswer>;
  /** Ends a lease and removes its keys. A lease that is gone already is no error. */
  revokeLease(id: bigint, options: CallOptions): Promise<void>;
  /** How long a lease has left, in seconds; less than 0 when it is gone. */
  leaseTtlLeft(id: bigint, options: CallOptions): Promise<number>;
  /** The keys bound to a lease. */
  leaseKeys(id: bigint, options: CallOptions): Promise<readonly string[]>;
  watch(target: WatchTarget, listener: WatchListener): Watch;
  /** Ends every watch and connection. Calls under way fail. */
  close(): void;
}

export type { Operation, OperationResult, Transaction };
