import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isAdmitted } from "#dist/line/admission.js";

const limit = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(Number.POSITIVE_INFINITY));
const line = fc.array(fc.record({ limit }), { minLength: 1, maxLength: 12 });

function admitted(entries: readonly { limit: number }[]): boolean[] {
  return entries.map((entry, index) => isAdmitted(entries.slice(0, index), entry));
}

test("whoever is inside tolerates as many as are inside", () => {
  fc.assert(
    fc.property(line, (entries) => {
      const inside = entries.filter((_, index) => admitted(entries)[index]);
      for (const entry of inside) assert.ok(inside.length <= entry.limit);
    }),
  );
});

test("an exclusive entry is alone inside", () => {
  fc.assert(
    fc.property(line, (entries) => {
      const inside = entries.filter((_, index) => admitted(entries)[index]);
      if (inside.some((entry) => entry.limit === 1)) assert.equal(inside.length, 1);
    }),
  );
});

test("nobody is passed: those inside are the first of the line", () => {
  fc.assert(
    fc.property(line, (entries) => {
      const flags = admitted(entries);
      assert.deepEqual(
        flags,
        [...flags].sort((a, b) => Number(b) - Number(a)),
      );
    }),
  );
});

test("the first is always inside, so the line always moves", () => {
  fc.assert(fc.property(line, (entries) => assert.equal(admitted(entries)[0], true)));
});

test("an admission stays right when others leave", () => {
  fc.assert(
    fc.property(line, fc.nat(), (entries, pick) => {
      const own = entries.length - 1;
      const leaving = pick % entries.length;
      if (leaving === own || !admitted(entries)[own]) return;
      const rest = entries.filter((_, index) => index !== leaving);
      assert.equal(admitted(rest).at(-1), true);
    }),
  );
});

test("readers are together, and a writer behind them keeps later readers out", () => {
  const reader = { limit: Number.POSITIVE_INFINITY };
  const writer = { limit: 1 };
  assert.deepEqual(admitted([reader, reader, writer, reader]), [true, true, false, false]);
});

test("of two semaphores that disagree about their permits the smaller wins", () => {
  assert.deepEqual(admitted([{ limit: 3 }, { limit: 2 }, { limit: 3 }]), [true, true, false]);
});
