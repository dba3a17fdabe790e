import type { RequestOp, TxnRequest } from "#dist/etcd/gen/etcd.js";
import { GrpcError, status } from "#dist/grpc/status.js";

const mostOperations = 128;

interface Range {
  readonly from: string;
  /** Empty for one key. */
  readonly end: string;
}

/** What a list of operations writes, whichever branches it takes. */
interface Writes {
  readonly puts: Set<string>;
  readonly deletions: Range[];
}

/** Refuses what etcd refuses unseen: too many operations, and keys that are written twice. @throws GrpcError. */
export function checkTransaction(transaction: TxnRequest): void {
  checkCount(transaction, mostOperations);
  collectWrites(transaction.success);
  collectWrites(transaction.failure);
}

function checkCount({ compare, success, failure }: TxnRequest, most: number): void {
  const count = Math.max(compare.length, success.length, failure.length);
  if (count > most) throw new GrpcError(status.INVALID_ARGUMENT, "etcdserver: too many operations in txn request");
  for (const { request } of [...success, ...failure]) {
    if (request?.$case === "requestTxn") checkCount(request.value, most - count);
  }
}

/** As `checkIntervals` in etcd's `server/etcdserver/api/v3rpc/key.go`. */
function collectWrites(operations: readonly RequestOp[]): Writes {
  const writes: Writes = { puts: new Set(), deletions: [] };
  for (const { request } of operations) {
    if (request?.$case === "requestDeleteRange") {
      const { key, rangeEnd } = request.value;
      writes.deletions.push({ from: key.toString("latin1"), end: rangeEnd.toString("latin1") });
    }
  }
  for (const { request } of operations) {
    if (request?.$case === "requestTxn") addNested(writes, request.value);
  }
  for (const { request } of operations) {
    if (request?.$case === "requestPut") addPut(writes, request.value.key.toString("latin1"), writes.puts);
  }
  return writes;
}

function addNested(writes: Writes, { success, failure }: TxnRequest): void {
  const [onSuccess, onFailure] = [collectWrites(success), collectWrites(failure)];
  const before = new Set(writes.puts);
  for (const key of onSuccess.puts) addPut(writes, key, before);
  // Only one of the two branches is taken.
  for (const key of onFailure.puts) addPut(writes, key, before);
  writes.deletions.push(...onSuccess.deletions, ...onFailure.deletions);
}

function addPut({ puts, deletions }: Writes, key: string, taken: ReadonlySet<string>): void {
  const isDeleted = deletions.some(({ from, end }) => (end === "" ? key === from : key >= from && key < end));
  if (isDeleted || taken.has(key)) {
    throw new GrpcError(status.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request");
  }
  puts.add(key);
}
