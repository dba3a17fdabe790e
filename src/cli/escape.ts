/** Control, format (bidirectional marks among them), line and paragraph separators, halves of characters. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/**
 * `text`, which anybody may have written, in a form that is harmless on a terminal: nothing in it moves the cursor,
 * changes colours, breaks the line or turns the direction of writing.
 */
export function escapeText(text: string): string {
  return text.replace(unsafe, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** JSON in which the same characters stand as JSON escapes: harmless on a terminal, and the same to a program. */
export function escapeJson(json: string): string {
  return json.replace(unsafe, (characters) =>
    characters
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** The words of a command as somebody would type them. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(" ");
}

/** The beginning of `text`, of at most `longest` characters. */
export function shorten(text: string, longest: number): string {
  const characters = Array.from(text.slice(0, 2 * longest + 2));
  return characters.length <= longest ? characters.join("") : `${characters.slice(0, longest - 1).join("")}…`;
}

/** `text` cut to `columns`, so that a terminal shows it on one line whatever the width of its characters. */
export function cutToColumns(text: string, columns: number): string {
  let used = 0;
  let cut = "";
  for (const character of text) {
    // Characters beyond ASCII take two columns at most.
    used += character < "\u007f" ? 1 : 2;
    if (used > columns) return cut;
    cut += character;
  }
  return cut;
}
