import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatEntryValue, parseEntryValue } from "#dist/line/entry-value.js";

test("what is written is what is read", () => {
  const value = fc.record(
    {
      limit: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.constant(Number.POSITIVE_INFINITY)),
      id: fc.string({ unit: "grapheme" }),
      ttl: fc.integer({ min: 1, max: 1_000_000 }),
      host: fc.string(),
      pid: fc.integer({ min: 1, max: 4_194_304 }),
      since: fc.integer({ min: 1, max: 8_640_000_000_000 }),
      metadata: fc.dictionary(
        fc.string().filter((name) => name !== "__proto__"),
        fc.string(),
        { noNullPrototype: true },
      ),
      place: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    },
    { requiredKeys: ["limit", "id", "ttl"], noNullPrototype: true },
  );
  fc.assert(
    fc.property(value, (written) => {
      assert.deepEqual(parseEntryValue(Buffer.from(formatEntryValue(written))), written);
    }),
  );
});

test("a value that is not surely ours lets nobody in beside it", () => {
  assert.equal(parseEntryValue(Buffer.from('{"limit":"unlimited"}')).limit, 1);
  assert.equal(parseEntryValue(Buffer.from('{"limit":5,"id":"candidate"}')).limit, 1);
});

test("any bytes at all are an exclusive entry of somebody's, and never an error", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        const { limit } = parseEntryValue(bytes);
        assert.ok(limit >= 1);
      },
    ),
  );
});

test("wrong types, a huge value and half a document are left out", () => {
  assert.deepEqual(
    parseEntryValue(Buffer.from('{"id":7,"limit":-1,"ttl":"x","pid":1.5,"metadata":[],"place":"1e9"}')),
    { limit: 1 },
  );
  assert.deepEqual(parseEntryValue(Buffer.from(`{"id":"${"x".repeat(70_000)}"}`)), { limit: 1 });
  assert.deepEqual(parseEntryValue(Buffer.from('{"id":')), { limit: 1 });
});

test("a lease is one that etcd can have", () => {
  const leaseOf = (recordLease: unknown): bigint | undefined =>
    parseEntryValue(Buffer.from(JSON.stringify({ id: "x", ttl: 5, recordLease }))).recordLease;
  assert.equal(leaseOf("7fffffffffffffff"), 2n ** 63n - 1n);
  assert.equal(leaseOf("1"), 1n);
  for (const other of [
    "8000000000000000",
    "ffffffffffffffff",
    "0",
    "0000000000000000",
    "",
    "12345678901234567",
    "G",
    5,
  ]) {
    assert.equal(leaseOf(other), undefined);
  }
});
