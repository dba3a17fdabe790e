import assert from "node:assert/strict";
import { test } from "node:test";
import { placeRows } from "../../matrix/compatibility-page.ts";
import { parseOptions } from "../../matrix/options.ts";

const page = (...rows: string[]): string =>
  ["Before.", "", "<!-- npm run test:matrix -->", "", ...rows, "", "After | all.", ""].join("\n");

const head = [
  "| version         | passed | failed | skipped | when       |",
  "| --------------- | ------ | ------ | ------- | ---------- |",
];

test("a row of the matrix takes the place of the one of the same release, and the others stay", () => {
  const before = page(
    "| version | passed | failed | skipped | when |",
    "| ------- | ------ | ------ | ------- | ---- |",
    "| etcd 3.6.1 | 1 | 2 | 3 | 2026-01-01 |",
    "| Node.js 22.23.3 | 5 | 0 | 0 | 2026-01-01 |",
  );
  const rows = [
    { version: "etcd 3.6.16", passed: 7, failed: 0, skipped: 1, date: "2026-11-23" },
    { version: "etcd 3.4.23", passed: 8, failed: 0, skipped: 0, date: "2026-11-23" },
  ];
  assert.equal(
    placeRows(before, rows),
    page(
      ...head,
      "| etcd 3.4.23     | 8      | 0      | 0       | 2026-11-23 |",
      "| etcd 3.6.16     | 7      | 0      | 1       | 2026-11-23 |",
      "| Node.js 22.23.3 | 5      | 0      | 0       | 2026-01-01 |",
    ),
  );
});

test("a page without the table of the matrix is refused", () => {
  assert.throws(() => placeRows("Nothing.", []), /no table/);
});

test("with versions of one kind, only those are run, and without any, all", () => {
  assert.deepEqual(parseOptions(["--etcd", "3.6,3.7.3"]), { etcd: ["3.6", "3.7.3"], node: [], isSmoke: false });
  assert.deepEqual(parseOptions(["--node", "24", "--etcd=3.5"]), { etcd: ["3.5"], node: ["24"], isSmoke: false });
  const { etcd, node } = parseOptions([]);
  assert.deepEqual([etcd.length, node.length], [4, 4]);
});

for (const words of [["--etcd", "2.3"], ["--node", "lts"], ["--all"], ["3.6"]]) {
  test(`${words.join(" ")} is refused`, () => {
    assert.throws(() => parseOptions(words), TypeError);
  });
}
