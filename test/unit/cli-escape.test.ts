import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cutToColumns, escapeText, joinWords, shorten } from "#dist/cli/escape.js";

describe("text written by others", () => {
  it("cannot move the cursor, change colours, break the line or turn the direction of writing", () => {
    assert.equal(escapeText("a\u001b[31mb\r\n\u0007\u007f\u009b"), "a\\u{1b}[31mb\\u{d}\\u{a}\\u{7}\\u{7f}\\u{9b}");
    assert.equal(escapeText("\u202eevil\u2066\u2028\u200b\ud800"), "\\u{202e}evil\\u{2066}\\u{2028}\\u{200b}\\u{d800}");
    assert.equal(escapeText("Größe 日本 🔒"), "Größe 日本 🔒");
  });

  it("never has anything left to escape", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = escapeText(text);
        assert.equal(escapeText(escaped), escaped);
        assert.doesNotMatch(escaped, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });

  it("is shortened to a number of characters, and no character is cut in half", () => {
    assert.equal(shorten("🔒🔒🔒", 3), "🔒🔒🔒");
    assert.equal(shorten("🔒🔒🔒🔒", 3), "🔒🔒…");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, longest) => {
        assert.ok(Array.from(shorten(text, longest)).length <= longest);
        assert.doesNotMatch(shorten(text, longest), /\p{Cs}/u);
      }),
    );
  });

  it("fits the columns of a terminal, also when its characters are wide", () => {
    assert.equal(cutToColumns("abcdef", 4), "abcd");
    assert.equal(cutToColumns("日本語", 5), "日本");
    assert.equal(cutToColumns("abc", 80), "abc");
    assert.equal(cutToColumns("abc", 0), "");
  });

  it("shows a command as one would type it", () => {
    assert.equal(joinWords(["backup.sh", "--all", "two words", ""]), "backup.sh --all 'two words' ''");
  });
});
