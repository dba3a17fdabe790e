import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Header, KeyEvent } from "./etcd-client.ts";
import type {
  CompareSchema,
  RequestOpSchema,
  ResponseHeader,
  ResponseOp,
  TxnRequestSchema,
  Event as WireEvent,
  KeyValue as WireKeyValue,
} from "./gen/etcd_pb.ts";
import type { Comparison, KeyValue, Operation, OperationResult, Range, Transaction } from "./transaction.ts";

/** Numbers of etcd's enumerations (rpc.proto, kv.proto). */
const sortOrder = { ascending: 1, descending: 2 } as const;
const sortByCreateRevision = 2;
const compareResult = { equal: 0, greater: 1, less: 2 } as const;
const compareTarget = { "create-revision": 1, "mod-revision": 2 } as const;
const deleteEvent = 1;
/** The watch filter that leaves out puts. */
export const noPutFilter = 0;

export function encodeKey(key: string): Uint8Array {
  return Buffer.from(key);
}

export function decodeKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString();
}

export function encodeTransaction(transaction: Transaction): MessageInitShape<typeof TxnRequestSchema> {
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
  switch (response.case) {
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
    key: decodeKey(keyValue?.key ?? new Uint8Array()),
    modRevision: keyValue?.modRevision ?? 0n,
    createRevision: keyValue?.createRevision ?? 0n,
    leaseId: keyValue?.lease ?? 0n,
    value: keyValue?.value ?? new Uint8Array(),
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

function encodeComparison(comparison: Comparison): MessageInitShape<typeof CompareSchema> {
  return {
    key: encodeKey(comparison.key),
    ...(comparison.rangeEnd === undefined ? {} : { rangeEnd: encodeKey(comparison.rangeEnd) }),
    result: compareResult[comparison.is],
    target: compareTarget[comparison.of],
    targetUnion:
      comparison.of === "create-revision"
        ? { case: "createRevision", value: comparison.to }
        : { case: "modRevision", value: comparison.to },
  };
}

function encodeOperation(operation: Operation): MessageInitShape<typeof RequestOpSchema> {
  switch (operation.kind) {
    case "put": {
      const { key, value, leaseId } = operation;
      return {
        request: { case: "requestPut", value: { key: encodeKey(key), value: Buffer.from(value), lease: leaseId } },
      };
    }
    case "delete":
      return { request: { case: "requestDeleteRange", value: { key: encodeKey(operation.key) } } };
    case "range":
      return { request: { case: "requestRange", value: encodeRange(operation) } };
    case "transaction":
      return { request: { case: "requestTxn", value: encodeTransaction(operation.transaction) } };
  }
}

function encodeRange(range: Range) {
  return {
    key: encodeKey(range.key),
    ...(range.rangeEnd === undefined ? {} : { rangeEnd: encodeKey(range.rangeEnd) }),
    limit: BigInt(range.limit ?? 0),
    keysOnly: range.keysOnly ?? false,
    maxCreateRevision: range.maxCreateRevision ?? 0n,
    ...(range.byCreateRevision === undefined
      ? {}
      : { sortOrder: sortOrder[range.byCreateRevision], sortTarget: sortByCreateRevision }),
  };
}
