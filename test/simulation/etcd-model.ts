import type { Compare, Event, KeyValue, RangeRequest, RequestOp, ResponseOp, TxnRequest } from "#dist/etcd/gen/etcd.js";
import { GrpcError, status } from "#dist/grpc/status.js";
import { checkTransaction } from "./check-transaction.ts";

/** What one revision changed, in the order in which it was done. */
export interface Commit {
  readonly revision: bigint;
  readonly events: readonly Event[];
}

/** A transaction's outcome: what etcd's answer says, but for the header. */
export interface Outcome {
  readonly revision: bigint;
  readonly succeeded: boolean;
  readonly responses: ResponseOp[];
}

interface Lease {
  readonly ttl: bigint;
  readonly keys: Set<string>;
}

/** Which branches a transaction takes, decided before anything is written. */
interface Path {
  readonly succeeded: boolean;
  readonly operations: readonly RequestOp[];
  readonly nested: readonly (Path | undefined)[];
}

const noBytes = Buffer.alloc(0);
const deleteEvent = 1;

/**
 * What a cluster of etcd agrees on: keys, revisions and leases, as etcd's own messages ask for them. Leases end only when
 * told: their time is the leader's business. `etcd-model.test.ts` compares it with a real etcd.
 */
export class EtcdModel {
  revision = 1n;
  readonly keys: Map<string, KeyValue> = new Map();
  readonly leases: Map<bigint, Lease> = new Map();
  /** There is no space left: what could write is refused. */
  isFull = false;
  /** The ids of leases that have ended, though others may have been granted with them since. */
  readonly endedLeases: Set<bigint> = new Set();
  readonly #leastTtl: bigint;
  readonly #onCommit: (commit: Commit) => void;
  /** While something is being done: what it has changed so far. */
  #events: Event[] = [];

  constructor(leastTtl: bigint, onCommit: (commit: Commit) => void) {
    this.#leastTtl = leastTtl;
    this.#onCommit = onCommit;
  }

  /** @throws GrpcError as etcd does; then nothing has been changed. */
  transact(request: TxnRequest): Outcome {
    if (this.isFull && hasPut(request)) throw outOfSpace();
    checkTransaction(request);
    const path = this.#choosePath(request);
    this.#checkLeases(path);
    const responses = this.#carryOut(path);
    this.#commit();
    return { revision: this.revision, succeeded: path.succeeded, responses };
  }

  /** The granted TTL. @throws GrpcError when there is a lease with this id. */
  grant(id: bigint, ttl: bigint): bigint {
    if (this.isFull) throw outOfSpace();
    if (this.leases.has(id)) throw new GrpcError(status.FAILED_PRECONDITION, "etcdserver: lease already exists");
    const granted = ttl < this.#leastTtl ? this.#leastTtl : ttl;
    this.leases.set(id, { ttl: granted, keys: new Set() });
    return granted;
  }

  /** Ends a lease and removes its keys. @throws GrpcError when there is none with this id. */
  revoke(id: bigint): void {
    const lease = this.#lease(id);
    for (const key of [...lease.keys].sort(byCode)) this.#delete(key);
    this.leases.delete(id);
    this.endedLeases.add(id);
    this.#commit();
  }

  #lease(id: bigint): Lease {
    const lease = this.leases.get(id);
    if (lease === undefined) throw new GrpcError(status.NOT_FOUND, "etcdserver: requested lease not found");
    return lease;
  }

  #choosePath({ compare, success, failure }: TxnRequest): Path {
    const succeeded = compare.every((condition) => this.#holds(condition));
    const operations = succeeded ? success : failure;
    const nested = operations.map(({ request }) =>
      request?.$case === "requestTxn" ? this.#choosePath(request.value) : undefined,
    );
    return { succeeded, operations, nested };
  }

  /** An empty range counts as one key that is not there. */
  #holds(condition: Compare): boolean {
    const found = this.#find(condition.key, condition.rangeEnd);
    return (found.length === 0 ? [undefined] : found).every((keyValue) => compares(condition, keyValue));
  }

  #checkLeases({ operations, nested }: Path): void {
    for (const [index, { request }] of operations.entries()) {
      if (request?.$case === "requestPut" && request.value.lease !== 0n) this.#lease(request.value.lease);
      const inner = nested[index];
      if (inner !== undefined) this.#checkLeases(inner);
    }
  }

  #carryOut({ operations, nested }: Path): ResponseOp[] {
    return operations.map(({ request }, index): ResponseOp => {
      switch (request?.$case) {
        case "requestPut":
          this.#put(request.value.key.toString("latin1"), request.value.value, request.value.lease);
          return { response: { $case: "responsePut", value: { header: undefined } } };
        case "requestDeleteRange": {
          const found = this.#find(request.value.key, request.value.rangeEnd);
          for (const { key } of found) this.#delete(key.toString("latin1"));
          const value = { header: undefined, deleted: BigInt(found.length) };
          return { response: { $case: "responseDeleteRange", value } };
        }
        case "requestRange": {
          const value = { header: undefined, kvs: this.#range(request.value), more: false, count: 0n };
          return { response: { $case: "responseRange", value } };
        }
        case "requestTxn": {
          const inner = nested[index];
          const responses = inner === undefined ? [] : this.#carryOut(inner);
          const value = { header: undefined, succeeded: inner?.succeeded === true, responses };
          return { response: { $case: "responseTxn", value } };
        }
        default:
          throw new GrpcError(status.INVALID_ARGUMENT, "etcdserver: key not found");
      }
    });
  }

  #range(request: RangeRequest): KeyValue[] {
    const { maxCreateRevision, minCreateRevision, sortOrder, limit, keysOnly } = request;
    let found = this.#find(request.key, request.rangeEnd);
    if (maxCreateRevision !== 0n) found = found.filter(({ createRevision }) => createRevision <= maxCreateRevision);
    if (minCreateRevision !== 0n) found = found.filter(({ createRevision }) => createRevision >= minCreateRevision);
    if (sortOrder !== 0) {
      const direction = sortOrder === 1 ? 1 : -1;
      found.sort((a, b) => direction * Number(a.createRevision - b.createRevision));
    }
    if (limit > 0n) found = found.slice(0, Number(limit));
    return found.map((keyValue) => ({ ...keyValue, value: keysOnly ? noBytes : keyValue.value }));
  }

  /** By key. */
  #find(key: Buffer, rangeEnd: Buffer): KeyValue[] {
    const from = key.toString("latin1");
    if (rangeEnd.length === 0) return [this.keys.get(from)].filter((found) => found !== undefined);
    const end = rangeEnd.toString("latin1");
    const names = [...this.keys.keys()].filter((name) => name >= from && name < end).sort(byCode);
    return names.map((name) => this.keys.get(name)).filter((found) => found !== undefined);
  }

  #put(name: string, value: Buffer, lease: bigint): void {
    const before = this.keys.get(name);
    if (before !== undefined) this.leases.get(before.lease)?.keys.delete(name);
    this.leases.get(lease)?.keys.add(name);
    const keyValue: KeyValue = {
      key: Buffer.from(name, "latin1"),
      createRevision: before?.createRevision ?? this.revision + 1n,
      modRevision: this.revision + 1n,
      version: (before?.version ?? 0n) + 1n,
      value,
      lease,
    };
    this.keys.set(name, keyValue);
    this.#events.push({ type: 0, kv: keyValue, prevKv: undefined });
  }

  #delete(name: string): void {
    const before = this.keys.get(name);
    if (before === undefined) return;
    this.leases.get(before.lease)?.keys.delete(name);
    this.keys.delete(name);
    const kv = {
      ...before,
      createRevision: 0n,
      modRevision: this.revision + 1n,
      version: 0n,
      value: noBytes,
      lease: 0n,
    };
    this.#events.push({ type: deleteEvent, kv, prevKv: undefined });
  }

  /** What changed nothing has no revision of its own. */
  #commit(): void {
    const events = this.#events;
    this.#events = [];
    if (events.length === 0) return;
    this.revision += 1n;
    this.#onCommit({ revision: this.revision, events });
  }
}

/** Whichever branch is taken. Those of transactions within it are not looked at by etcd. */
function hasPut({ success, failure }: TxnRequest): boolean {
  return [...success, ...failure].some(({ request }) => request?.$case === "requestPut");
}

function outOfSpace(): GrpcError {
  return new GrpcError(status.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded");
}

function compares({ target, targetUnion, result }: Compare, keyValue: KeyValue | undefined): boolean {
  const wanted = targetUnion?.$case === "value" ? 0n : (targetUnion?.value ?? 0n);
  const actual =
    [keyValue?.version, keyValue?.createRevision, keyValue?.modRevision, 0n, keyValue?.lease][target] ?? 0n;
  if (result === 0) return actual === wanted;
  if (result === 1) return actual > wanted;
  return result === 2 ? actual < wanted : actual !== wanted;
}

/** Of strings of bytes, the order of etcd. */
function byCode(left: string, right: string): number {
  return left < right ? -1 : 1;
}
