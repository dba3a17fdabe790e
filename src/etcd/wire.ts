import type { Header, KeyEvent } from "./etcd-client.ts";
import type {
  Compare,
  RequestOp,
  ResponseHeader,
  ResponseOp,
  TxnRequest,
  Event as WireEvent,
  KeyValue as WireKeyValue,
} from "./gen/etcd.ts";
import { RangeRequest } from "./gen/etcd.ts";
import type { Comparison, KeyValue, Operation, OperationResult, Range, Transaction } from "./transaction.ts";

/** Numbers of etcd's enumerations (rpc.proto, kv.proto). */
const sortOrder = { ascending: 1, descending: 2 } as const;
const sortByCreateRevision = 2;
const compareResult = { equal: 0, greater: 1, less: 2 } as const;
const compareTarget = { "create-revision": 1, "mod-revision": 2, lease: 4 } as const;
const targetField = { "create-revision": "createRevision", "mod-revision": "modRevision", lease: "lease" } as const;
const deleteEvent = 1;
/** The watch filter that leaves out puts. */
export const noPutFilter = 0;

const noBytes = Buffer.alloc(0);

export function encodeKey(key: string | undefined): Buffer {
  return key === undefined ? noBytes : Buffer.from(key);
}

export function decodeKey(key: Buffer): string {
  return key.toString();
}

export function encodeTransaction(transaction: Transaction): TxnRequest {
  return {
    compare: transaction.compare.map(encodeComparison),
    success: transaction.success.map(encodeOperation),
    failure: transaction.failure.map(encodeOperation),
  };
}

export function decodeHeader(header: ResponseHeader | undefined): Header {
  return {
    clusterId: header?.clusterId ?? 0n,
    revision: header?.revision ?? 0n,
    raftTerm: header?.raftTerm ?? 0n,
  };
}

export function decodeResult({ response }: ResponseOp): OperationResult {
  switch (response?.$case) {
    case "responseRange":
      return { kind: "range", keyValues: response.value.kvs.map(decodeKeyValue) };
    case "responseDeleteRange":
      return { kind: "delete", deleted: Number(response.value.deleted) };
    case "responseTxn":
      return {
        kind: "transaction",
        succeeded: response.value.succeeded,
        results: response.value.responses.map(decodeResult),
      };
    default:
      return { kind: "put" };
  }
}

export function decodeEvent(event: WireEvent): KeyEvent {
  const keyValue = event.kv;
  return {
    kind: event.type === deleteEvent ? "delete" : "put",
    key: decodeKey(keyValue?.key ?? noBytes),
    modRevision: keyValue?.modRevision ?? 0n,
    createRevision: keyValue?.createRevision ?? 0n,
    leaseId: keyValue?.lease ?? 0n,
    value: keyValue?.value ?? noBytes,
  };
}

function decodeKeyValue(keyValue: WireKeyValue): KeyValue {
  return {
    key: decodeKey(keyValue.key),
    value: keyValue.value,
    createRevision: keyValue.createRevision,
    modRevision: keyValue.modRevision,
    leaseId: keyValue.lease,
  };
}

function encodeComparison(comparison: Comparison): Compare {
  const { key, rangeEnd, is, of, to } = comparison;
  return {
    key: encodeKey(key),
    rangeEnd: encodeKey(rangeEnd),
    result: compareResult[is],
    target: compareTarget[of],
    targetUnion: { $case: targetField[of], value: to },
  };
}

function encodeOperation(operation: Operation): RequestOp {
  switch (operation.kind) {
    case "put": {
      const { key, value, leaseId } = operation;
      const request = { key: encodeKey(key), value: Buffer.from(value), lease: leaseId ?? 0n };
      return { request: { $case: "requestPut", value: request } };
    }
    case "delete":
      return {
        request: { $case: "requestDeleteRange", value: { key: encodeKey(operation.key), rangeEnd: noBytes } },
      };
    case "range":
      return { request: { $case: "requestRange", value: encodeRange(operation) } };
    case "transaction":
      return { request: { $case: "requestTxn", value: encodeTransaction(operation.transaction) } };
  }
}

function encodeRange({ key, rangeEnd, limit, keysOnly, maxCreateRevision, byCreateRevision }: Range): RangeRequest {
  return RangeRequest.fromPartial({
    key: encodeKey(key),
    rangeEnd: encodeKey(rangeEnd),
    limit: BigInt(limit ?? 0),
    keysOnly: keysOnly ?? false,
    maxCreateRevision: maxCreateRevision ?? 0n,
    ...(byCreateRevision !== undefined && {
      sortOrder: sortOrder[byCreateRevision],
      sortTarget: sortByCreateRevision,
    }),
  });
}
