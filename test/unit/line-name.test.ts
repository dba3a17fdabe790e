import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineName, longestPath } from "#dist/line/line-name.js";

/** Any string that JavaScript has, halves of characters and separators included. */
const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.stringMatching(/^[ab/!%0" ]{0,8}$/),
  fc.array(fc.integer({ min: 0xd800, max: 0xdfff }), { maxLength: 3 }).map((codes) => String.fromCharCode(...codes)),
);

const suffix = fc.stringMatching(/^[1-9a-f][0-9a-f]{0,15}(-[1-9a-z][0-9a-z]{0,3})?$/);

function isIn(key: string, { key: start, rangeEnd }: { key: string; rangeEnd: string }): boolean {
  return (
    Buffer.compare(Buffer.from(key), Buffer.from(start)) >= 0 &&
    Buffer.compare(Buffer.from(key), Buffer.from(rangeEnd)) < 0
  );
}

test("two different strings never share an entry or a hold record", () => {
  fc.assert(
    fc.property(anyName, anyName, suffix, (one, other, ending) => {
      if (one === other) return;
      const [a, b] = [new LineName(one), new LineName(other)];
      assert.notEqual(a.entryKey(ending), b.entryKey(ending));
      assert.equal(a.suffixOfEntry(b.entryKey(ending)), undefined);
      assert.equal(a.suffixOfRecord(b.recordKey(ending)), undefined);
      assert.equal(a.suffixOfEntry(b.recordKey(ending)), undefined);
    }),
    { numRuns: 2_000 },
  );
});

test("a line finds its own entries and hold records in its ranges", () => {
  fc.assert(
    fc.property(anyName, suffix, (name, ending) => {
      const line = new LineName(name);
      assert.ok(isIn(line.entryKey(ending), line.entries));
      assert.ok(isIn(line.recordKey(ending), line.records));
      assert.equal(line.suffixOfEntry(line.entryKey(ending)), ending);
      assert.equal(line.suffixOfRecord(line.recordKey(ending)), ending);
    }),
  );
});

test("a key is plain ASCII, so that JavaScript and etcd sort it alike", () => {
  fc.assert(fc.property(anyName, (name) => assert.match(new LineName(name).entryKey("1"), /^[\x20-\x7e]+$/)));
});

test("path-like names are the keys that Go and etcdctl use", () => {
  for (const name of ["/example/lock", "jobs/nightly-2026_11.v1", "a//b", "x:y@z=1+2,3~"]) {
    assert.equal(new LineName(name).entryKey("abc"), `${name}/abc`);
  }
});

test("the keys of a deeper name are no entries of the line that contains them", () => {
  const [outer, inner] = [new LineName("a"), new LineName("a/b")];
  assert.ok(isIn(inner.entryKey("1f"), outer.entries));
  assert.equal(outer.suffixOfEntry(inner.entryKey("1f")), undefined);
  assert.equal(outer.suffixOfEntry(inner.recordKey("1f")), undefined);
});

test("whatever stands directly under the name is an entry", () => {
  assert.equal(new LineName("a").suffixOfEntry("a/made by hand"), "made by hand");
  assert.equal(new LineName("a").suffixOfEntry("a/"), "");
});

test("a name that is too long for etcd's taste is refused with its length", () => {
  assert.throws(() => new LineName("x".repeat(longestPath + 1)), { name: "RangeError", message: /4096.*got 4097/ });
});

test("a key whose path is longer than any of ours belongs to no name", () => {
  const path = "x".repeat(longestPath);
  assert.equal(LineName.ofKey(`${path}/y`)?.name, path);
  assert.equal(LineName.ofKey(`${path}x/y`), undefined);
  assert.equal(LineName.ofKey(`${path}x!1f`), undefined);
});
