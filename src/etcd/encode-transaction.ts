import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Comparison, Delete, Operation, Put, Range, Transaction } from "./transaction.ts";

/** Numbers of etcd's enumerations (rpc.proto). */
const sortOrder = { ascending: 1, descending: 2 } as const;
const sortByCreateRevision = 2;
const compareResult = { equal: 0, greater: 1, less: 2 } as const;
const compareTarget = { "create-revision": 1, "mod-revision": 2, lease: 4 } as const;

/** The fields of etcd's messages (rpc.proto), each as the tag that stands before its value. */
const transactionTags = { compare: 10, success: 18, failure: 26 } as const;
const compareTags = {
  result: 8,
  target: 16,
  key: 26,
  "create-revision": 40,
  "mod-revision": 48,
  lease: 64,
  rangeEnd: 514,
};
const operationTags = { range: 10, put: 18, delete: 26, transaction: 34 } as const;
const putTags = { key: 10, value: 18, lease: 24 } as const;
const rangeTags = {
  key: 10,
  rangeEnd: 18,
  limit: 24,
  sortOrder: 40,
  sortTarget: 48,
  keysOnly: 64,
  minCreateRevision: 96,
  maxCreateRevision: 104,
} as const;

/**
 * Writes a transaction as etcd's `TxnRequest`, without the objects of the generated code in between: what travels together
 * are thousands of them.
 */
export function encodeTransaction(
  { compare, success, failure }: Transaction,
  writer: BinaryWriter = new BinaryWriter(),
): BinaryWriter {
  for (const comparison of compare) encodeComparison(comparison, writer.uint32(transactionTags.compare).fork()).join();
  for (const operation of success) encodeOperation(operation, writer.uint32(transactionTags.success).fork()).join();
  for (const operation of failure) encodeOperation(operation, writer.uint32(transactionTags.failure).fork()).join();
  return writer;
}

function encodeComparison({ key, rangeEnd, is, of, to }: Comparison, writer: BinaryWriter): BinaryWriter {
  if (is !== "equal") writer.uint32(compareTags.result).int32(compareResult[is]);
  writer.uint32(compareTags.target).int32(compareTarget[of]);
  writer.uint32(compareTags.key).string(checkText(key));
  writer.uint32(compareTags[of]).int64(to);
  if (rangeEnd !== undefined) writer.uint32(compareTags.rangeEnd).string(checkText(rangeEnd));
  return writer;
}

function encodeOperation(operation: Operation, writer: BinaryWriter): BinaryWriter {
  writer.uint32(operationTags[operation.kind]).fork();
  switch (operation.kind) {
    case "put":
      return encodePut(operation, writer).join();
    case "delete":
      return encodeDelete(operation, writer).join();
    case "range":
      return encodeRange(operation, writer).join();
    case "transaction":
      return encodeTransaction(operation.transaction, writer).join();
  }
}

function encodePut({ key, value, leaseId = 0n }: Put, writer: BinaryWriter): BinaryWriter {
  writer.uint32(putTags.key).string(checkText(key)).uint32(putTags.value).string(checkText(value));
  return leaseId === 0n ? writer : writer.uint32(putTags.lease).int64(leaseId);
}

function encodeDelete({ key }: Delete, writer: BinaryWriter): BinaryWriter {
  return writer.uint32(rangeTags.key).string(checkText(key));
}

function encodeRange(range: Range, writer: BinaryWriter): BinaryWriter {
  const { key, rangeEnd, limit, keysOnly, minCreateRevision, maxCreateRevision, byCreateRevision } = range;
  writer.uint32(rangeTags.key).string(checkText(key));
  if (rangeEnd !== undefined) writer.uint32(rangeTags.rangeEnd).string(checkText(rangeEnd));
  if (limit !== undefined) writer.uint32(rangeTags.limit).int64(limit);
  if (byCreateRevision !== undefined) {
    writer.uint32(rangeTags.sortOrder).int32(sortOrder[byCreateRevision]);
    writer.uint32(rangeTags.sortTarget).int32(sortByCreateRevision);
  }
  if (keysOnly === true) writer.uint32(rangeTags.keysOnly).bool(true);
  if (minCreateRevision !== undefined) writer.uint32(rangeTags.minCreateRevision).int64(minCreateRevision);
  if (maxCreateRevision !== undefined) writer.uint32(rangeTags.maxCreateRevision).int64(maxCreateRevision);
  return writer;
}

/** The writer would take anything else, and make a string of it. */
function checkText(text: unknown): string {
  if (typeof text === "string") return text;
  throw new TypeError(`keys and values must be strings; got a ${typeof text}`);
}
