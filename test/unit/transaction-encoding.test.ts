import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeTransaction } from "#dist/etcd/decode-transaction.js";
import { encodeTransaction } from "#dist/etcd/encode-transaction.js";
import {
  type Compare,
  type RequestOp,
  type ResponseOp,
  ResponseOp as ResponseOpMessage,
  TxnRequest,
  TxnResponse,
  type KeyValue as WireKeyValue,
} from "#dist/etcd/gen/etcd.js";
import type { Comparison, KeyValue, Operation, OperationResult, Transaction } from "#dist/etcd/transaction.js";

const noBytes = Buffer.alloc(0);
const int64 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const text = fc.oneof(fc.string({ unit: "grapheme", maxLength: 40 }), fc.string({ minLength: 100, maxLength: 20_000 }));
const rangeEnd = fc.option(text, { nil: undefined });

const comparison: fc.Arbitrary<Comparison> = fc.record({
  key: text,
  rangeEnd,
  of: fc.constantFrom("create-revision", "mod-revision", "lease"),
  is: fc.constantFrom("equal", "greater", "less"),
  to: int64,
});

const { transaction } = fc.letrec<{ transaction: Transaction; operation: Operation }>((tie) => {
  const list = fc.array(tie("operation"), { maxLength: 3, depthIdentifier: "transactions" });
  return {
    transaction: fc.record({ compare: fc.array(comparison, { maxLength: 2 }), success: list, failure: list }),
    operation: fc.oneof(
      { depthSize: "small", depthIdentifier: "transactions" },
      fc.record({
        kind: fc.constant("put" as const),
        key: text,
        value: text,
        leaseId: fc.option(int64, { nil: undefined }),
      }),
      fc.record({ kind: fc.constant("delete" as const), key: text }),
      fc.record({
        kind: fc.constant("range" as const),
        key: text,
        rangeEnd,
        limit: fc.option(fc.nat(), { nil: undefined }),
        keysOnly: fc.option(fc.boolean(), { nil: undefined }),
        byCreateRevision: fc.constantFrom(undefined, "ascending" as const, "descending" as const),
        minCreateRevision: fc.option(int64, { nil: undefined }),
        maxCreateRevision: fc.option(int64, { nil: undefined }),
      }),
      fc.record({ kind: fc.constant("transaction" as const), transaction: tie("transaction") }),
    ),
  };
});

test("a transaction is written as etcd's own messages say it", () => {
  fc.assert(
    fc.property(transaction, (asked) => {
      assert.deepEqual(TxnRequest.decode(encodeTransaction(asked).finish()), plainRequest(asked));
    }),
    { numRuns: 500 },
  );
});

test("what is no string is not made one", () => {
  const put = { kind: "put", key: "key", value: 5 as unknown as string } as const;
  assert.throws(() => encodeTransaction({ compare: [], success: [put], failure: [] }), { name: "TypeError" });
});

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const wireHeader = fc.record({
  clusterId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  memberId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  revision: int64,
  raftTerm: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});
const header = fc.option(wireHeader, { nil: undefined });
const wireKeyValue: fc.Arbitrary<WireKeyValue> = fc.record({
  key: bytes,
  createRevision: int64,
  modRevision: int64,
  version: int64,
  value: bytes,
  lease: int64,
});

const { answer } = fc.letrec<{ answer: TxnResponse; result: ResponseOp }>((tie) => ({
  answer: fc.record({
    header,
    succeeded: fc.boolean(),
    responses: fc.array(tie("result"), { maxLength: 3, depthIdentifier: "answers" }),
  }),
  result: fc.oneof(
    { depthSize: "small", depthIdentifier: "answers" },
    fc.record({ header }).map((value) => response("responsePut", value)),
    fc.record({ header, deleted: fc.nat().map(BigInt) }).map((value) => response("responseDeleteRange", value)),
    fc
      .record({ header, kvs: fc.array(wireKeyValue, { maxLength: 4 }), more: fc.boolean(), count: int64 })
      .map((value) => response("responseRange", value)),
    tie("answer").map((value) => response("responseTxn", value)),
  ),
}));

function response($case: NonNullable<ResponseOp["response"]>["$case"], value: unknown): ResponseOp {
  return { response: { $case, value } as ResponseOp["response"] };
}

test("an answer is read as etcd's own messages say it", () => {
  fc.assert(
    fc.property(answer, (said) => {
      const { clusterId = 0n, revision = 0n, raftTerm = 0n } = said.header ?? {};
      assert.deepEqual(decodeTransaction(TxnResponse.encode(said).finish()), {
        header: { clusterId, revision, raftTerm },
        succeeded: said.succeeded,
        results: said.responses.map(plainResult),
      });
    }),
    { numRuns: 500 },
  );
});

test("an answer that was cut off, or is none, is read in some way or fails, and never hangs", () => {
  const cutOff = fc.tuple(answer, fc.nat()).map(([said, length]) => {
    const whole = TxnResponse.encode(said).finish();
    return whole.subarray(0, length % (whole.length + 1));
  });
  fc.assert(
    fc.property(fc.oneof(cutOff, fc.uint8Array({ maxLength: 200 })), (said) => {
      try {
        decodeTransaction(said);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a message within an answer that claims to be longer than the answer is refused", () => {
  const put = ResponseOpMessage.encode(response("responsePut", { header: undefined })).finish();
  assert.throws(() => decodeTransaction(Uint8Array.of(26, 100, ...put)), { name: "RangeError" });
});

function plainRequest({ compare, success, failure }: Transaction): TxnRequest {
  return {
    compare: compare.map(plainComparison),
    success: success.map(plainOperation),
    failure: failure.map(plainOperation),
  };
}

function plainComparison({ key, rangeEnd: end, of, is, to }: Comparison): Compare {
  const $case = ({ "create-revision": "createRevision", "mod-revision": "modRevision", lease: "lease" } as const)[of];
  return {
    key: Buffer.from(key),
    rangeEnd: Buffer.from(end ?? ""),
    result: { equal: 0, greater: 1, less: 2 }[is],
    target: { "create-revision": 1, "mod-revision": 2, lease: 4 }[of],
    targetUnion: { $case, value: to },
  };
}

function plainOperation(operation: Operation): RequestOp {
  const key = "key" in operation ? Buffer.from(operation.key) : noBytes;
  switch (operation.kind) {
    case "put": {
      const value = { key, value: Buffer.from(operation.value), lease: operation.leaseId ?? 0n };
      return { request: { $case: "requestPut", value } };
    }
    case "delete":
      return { request: { $case: "requestDeleteRange", value: { key, rangeEnd: noBytes } } };
    case "range": {
      const { limit, keysOnly, byCreateRevision, minCreateRevision, maxCreateRevision } = operation;
      const value = {
        key,
        rangeEnd: Buffer.from(operation.rangeEnd ?? ""),
        limit: BigInt(limit ?? 0),
        revision: 0n,
        sortOrder: byCreateRevision === undefined ? 0 : { ascending: 1, descending: 2 }[byCreateRevision],
        sortTarget: byCreateRevision === undefined ? 0 : 2,
        serializable: false,
        keysOnly: keysOnly ?? false,
        countOnly: false,
        minCreateRevision: minCreateRevision ?? 0n,
        maxCreateRevision: maxCreateRevision ?? 0n,
      };
      return { request: { $case: "requestRange", value } };
    }
    case "transaction":
      return { request: { $case: "requestTxn", value: plainRequest(operation.transaction) } };
  }
}

function plainResult({ response: said }: ResponseOp): OperationResult {
  switch (said?.$case) {
    case "responseRange":
      return { kind: "range", keyValues: said.value.kvs.map(plainKeyValue) };
    case "responseDeleteRange":
      return { kind: "delete", deleted: Number(said.value.deleted) };
    case "responseTxn":
      return { kind: "transaction", succeeded: said.value.succeeded, results: said.value.responses.map(plainResult) };
    default:
      return { kind: "put" };
  }
}

function plainKeyValue({ key, value, createRevision, modRevision, lease }: WireKeyValue): KeyValue {
  return { key: key.toString(), value, createRevision, modRevision, leaseId: lease };
}
