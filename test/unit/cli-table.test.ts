import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { cellWidth, cutCell, fitCell } from "#dist/cli/view/cell-width.js";
import { formatLine } from "#dist/cli/view/line-text.js";
import { formatList } from "#dist/cli/view/list-text.js";
import type { Paper } from "#dist/cli/view/paper.js";
import type { Line, LineEntry } from "#dist/index.js";

const now = new Date(2026, 5, 1, 12, 0, 0);
const wide: Paper = { columns: Number.POSITIVE_INFINITY, hasColour: false, now };

const entry: LineEntry = {
  position: 1,
  state: "holding",
  key: "/lock/1f",
  foreign: false,
  leaseId: 31n,
  createRevision: 5n,
  fencingToken: 7n,
  id: "web1",
  host: "web1",
  pid: 42,
  since: new Date(2026, 5, 1, 11, 59, 3),
  limit: 1,
  metadata: { command: ["backup.sh", "--all", "a b"] },
};

const foreign: LineEntry = {
  position: 2,
  state: "waiting",
  key: "/lock/2f",
  foreign: true,
  leaseId: 0n,
  createRevision: 9n,
  limit: 1,
};

function lineOf(...entries: readonly LineEntry[]): Line {
  return { name: "/lock", entries };
}

describe("the columns that text takes", () => {
  it("are two for wide characters and pictures, and none for marks over others", () => {
    const widths = { "": 0, abc: 3, 日本: 4, ｱ: 1, Ａ: 2, 한글: 4, é: 1, "e\u0301": 1, "🔒": 2, "…": 1, "─": 1 };
    for (const [text, width] of Object.entries(widths)) assert.equal(cellWidth(text), width, text);
  });

  it("are as many as asked for, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "日", "e\u0301", "🔒", " ") }),
        fc.nat({ max: 20 }),
        (text, columns) => {
          assert.equal(cellWidth(fitCell(text, columns)), columns);
          assert.ok(cellWidth(cutCell(text, columns)) <= columns);
          if (cellWidth(text) <= columns) assert.equal(cutCell(text, columns), text);
        },
      ),
    );
  });
});

describe("the line of a lock", () => {
  it("says that it is free", () => {
    assert.deepEqual(formatLine({ line: lineOf(), ttlLeft: new Map() }, wide), ["/lock: free"]);
  });

  it("tells everything of its entries, those of other clients too", () => {
    const lines = formatLine({ line: lineOf(entry, foreign), ttlLeft: new Map([[31n, 58]]) }, wide);
    assert.deepEqual(lines, [
      "/lock: held by 1, 1 waiting",
      "#  STATE    WHO             PID  SINCE     TTL LEFT  TOKEN  COMMAND",
      "1  holding  web1             42  11:59:03      58 s      7  backup.sh --all 'a b'",
      "2  waiting  another client                 for ever         /lock/2f",
    ]);
  });

  it("has colours only where they are wanted", () => {
    const inked = formatLine({ line: lineOf(entry), ttlLeft: new Map() }, { ...wide, hasColour: true });
    assert.ok(inked.join("\n").includes("\u001b[32mholding\u001b[39m"));
    const plain = formatLine({ line: lineOf(entry), ttlLeft: new Map() }, wide);
    assert.deepEqual(inked.map(stripVTControlCharacters), plain);
  });

  it("says who was cut off, who keeps others out, and how many can hold it together", () => {
    const entries: LineEntry[] = [
      { ...entry, state: "orphan" },
      { ...entry, until: now },
      { ...entry, limit: Number.POSITIVE_INFINITY },
      { ...entry, limit: 3 },
    ];
    const text = formatLine({ line: lineOf(...entries), ttlLeft: new Map() }, wide).join("\n");
    for (const word of ["held by 3, 1 cut off, 0 waiting", "cut off ", "kept ", "holding (shared)", "holding (3)"]) {
      assert.ok(text.includes(word), word);
    }
  });
});

describe("what is shown on a terminal", () => {
  it("is never wider than the terminal, and harmless, whatever others wrote", () => {
    const text = fc.string({ unit: "binary", maxLength: 60 });
    const any = fc.record({
      id: text,
      host: text,
      command: fc.array(text, { maxLength: 5 }),
      name: text,
      pid: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.array(any, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 20, max: 250 }),
        (owners, columns) => {
          const entries = owners.map(({ id, host, pid, command }) => ({
            ...entry,
            id,
            host,
            pid,
            metadata: { command },
          }));
          const lines = owners.map(({ name }) => ({ name, entries }));
          const paper = { ...wide, columns };
          const shown = lines.flatMap((line) => formatLine({ line, ttlLeft: new Map() }, paper));
          for (const line of [...shown, ...formatList("/", lines, paper)]) {
            assert.ok(cellWidth(line) <= columns, line);
            assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          }
        },
      ),
    );
  });

  it("leaves out what is least needed, rather than everybody's name", () => {
    const [, head = ""] = formatLine({ line: lineOf(entry), ttlLeft: new Map() }, { ...wide, columns: 40 });
    assert.match(head, /STATE.*WHO.*TOKEN/);
    assert.doesNotMatch(head, /COMMAND/);
  });
});
