import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDurationMs, parseDurationMs } from "#dist/duration.js";

describe("a duration in words", () => {
  it("is understood with each unit, and as seconds without one", () => {
    const meanings = {
      "500ms": 500,
      "30s": 30_000,
      "5m": 300_000,
      "2h": 7_200_000,
      "60": 60_000,
      "0.5": 500,
      "1.5m": 90_000,
    };
    for (const [text, ms] of Object.entries(meanings)) assert.equal(parseDurationMs(text), ms, text);
  });

  it("means the same however it is written", () => {
    const units = [
      ["ms", 1],
      ["s", 1_000],
      ["", 1_000],
      ["m", 60_000],
      ["h", 3_600_000],
    ] as const;
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000 }), fc.constantFrom(...units), (count, [unit, factor]) => {
        assert.equal(parseDurationMs(`${count}${unit}`), count * factor);
      }),
    );
  });

  it("is refused when it is anything else", () => {
    for (const text of [
      "",
      "abc",
      "-1",
      "+1",
      "1e3",
      " 1",
      "1 s",
      "1d",
      "1sec",
      "s",
      ".",
      "1.",
      ".5",
      "0x10",
      "1,5",
      "١",
      "Infinity",
    ]) {
      assert.equal(parseDurationMs(text), undefined, JSON.stringify(text));
    }
  });

  it("never comes out as something that is not a time", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseDurationMs(text);
        assert.ok(ms === undefined || (Number.isFinite(ms) && ms >= 0));
      }),
    );
  });
});

describe("a duration for people", () => {
  it("has two units at most, and is rounded down", () => {
    const texts = [
      [0, "0 ms"],
      [250.9, "250 ms"],
      [4_290, "4.2 s"],
      [59_999, "59.9 s"],
      [60_000, "1 min"],
      [200_000, "3 min 20 s"],
      [7_500_000, "2 h 5 min"],
      [273_600_000, "3 d 4 h"],
    ] as const;
    for (const [ms, text] of texts) assert.equal(formatDurationMs(ms), text);
  });
});
