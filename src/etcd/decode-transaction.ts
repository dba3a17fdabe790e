import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Header } from "./etcd-client.ts";
import type { KeyValue, OperationResult } from "./transaction.ts";
import { decodeKey } from "./wire.ts";

/** What etcd says to a transaction. */
export interface TransactionOutcome {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

/** The fields of etcd's messages (rpc.proto, kv.proto), each as the tag that stands before its value. */
const outcomeTags = { header: 10, succeeded: 16, results: 26 } as const;
const headerTags = { clusterId: 8, revision: 24, raftTerm: 32 } as const;
const resultTags = { range: 10, put: 18, delete: 26, transaction: 34 } as const;
const rangeTags = { keyValues: 18 } as const;
const deletionTags = { deleted: 16 } as const;
const keyValueTags = { key: 10, createRevision: 16, modRevision: 24, value: 42, leaseId: 48 } as const;

const noHeader: Header = { clusterId: 0n, revision: 0n, raftTerm: 0n };
const wasPut: OperationResult = { kind: "put" };
const noBytes = Buffer.alloc(0);
const lengthDelimited = 2;

/** Reads etcd's `TxnResponse`, as {@link encodeTransaction} writes the request. What is not asked for is passed over. */
export function decodeTransaction(bytes: Uint8Array): TransactionOutcome {
  return readOutcome(new BinaryReader(bytes), bytes.length);
}

function readOutcome(reader: BinaryReader, end: number): TransactionOutcome {
  let header = noHeader;
  let succeeded = false;
  const results: OperationResult[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === outcomeTags.header) header = readHeader(reader, endOfMessage(reader));
    else if (tag === outcomeTags.succeeded) succeeded = reader.bool();
    else if (tag === outcomeTags.results) results.push(readResult(reader, endOfMessage(reader)));
    else passOver(reader, tag);
  }
  return { header, succeeded, results };
}

function readHeader(reader: BinaryReader, end: number): Header {
  let [clusterId, revision, raftTerm] = [0n, 0n, 0n];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === headerTags.clusterId) clusterId = BigInt(reader.uint64());
    else if (tag === headerTags.revision) revision = BigInt(reader.int64());
    else if (tag === headerTags.raftTerm) raftTerm = BigInt(reader.uint64());
    else passOver(reader, tag);
  }
  return { clusterId, revision, raftTerm };
}

/** What is none of the others is a put: it has nothing to say. */
function readResult(reader: BinaryReader, end: number): OperationResult {
  let result: OperationResult = wasPut;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === resultTags.transaction) result = readNested(reader, endOfMessage(reader));
    else if (tag === resultTags.delete) result = readDeletion(reader, endOfMessage(reader));
    else if (tag === resultTags.range) result = readRange(reader, endOfMessage(reader));
    else passOver(reader, tag);
  }
  return result;
}

function readNested(reader: BinaryReader, end: number): OperationResult {
  const { succeeded, results } = readOutcome(reader, end);
  return { kind: "transaction", succeeded, results };
}

function readDeletion(reader: BinaryReader, end: number): OperationResult {
  let deleted = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === deletionTags.deleted) deleted = Number(reader.int64());
    else passOver(reader, tag);
  }
  return { kind: "delete", deleted };
}

function readRange(reader: BinaryReader, end: number): OperationResult {
  const keyValues: KeyValue[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === rangeTags.keyValues) keyValues.push(readKeyValue(reader, endOfMessage(reader)));
    else passOver(reader, tag);
  }
  return { kind: "range", keyValues };
}

function readKeyValue(reader: BinaryReader, end: number): KeyValue {
  let [key, value] = [noBytes, noBytes];
  let [createRevision, modRevision, leaseId] = [0n, 0n, 0n];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === keyValueTags.key) key = Buffer.from(reader.bytes());
    else if (tag === keyValueTags.value) value = Buffer.from(reader.bytes());
    else if (tag === keyValueTags.createRevision) createRevision = BigInt(reader.int64());
    else if (tag === keyValueTags.modRevision) modRevision = BigInt(reader.int64());
    else if (tag === keyValueTags.leaseId) leaseId = BigInt(reader.int64());
    else passOver(reader, tag);
  }
  return { key: decodeKey(key), value, createRevision, modRevision, leaseId };
}

/** Reads the length that stands before a message. @throws RangeError when there is less than it says. */
function endOfMessage(reader: BinaryReader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError("an answer of etcd ends in the middle");
  return end;
}

function passOver(reader: BinaryReader, tag: number): void {
  const wireType = tag & 7;
  if (wireType === lengthDelimited) reader.pos = endOfMessage(reader);
  else reader.skip(wireType, tag >>> 3);
}
