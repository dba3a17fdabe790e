/** Combining marks, which stand over the character before them. */
const narrowless = /^[\p{Mn}\p{Me}]$/u;

/** East Asian wide and fullwidth characters, and pictures. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

/** How many columns of a terminal `text` takes, which has been made harmless before. */
export function cellWidth(text: string): number {
  let columns = 0;
  for (const character of text) columns += characterWidth(character);
  return columns;
}

/** `text` in exactly `columns`: filled with blanks, or cut, with an ellipsis at its end. */
export function fitCell(text: string, columns: number, align: "left" | "right" = "left"): string {
  const cut = cutCell(text, columns);
  const blanks = " ".repeat(columns - cellWidth(cut));
  return align === "left" ? cut + blanks : blanks + cut;
}

/** `text` in at most `columns`, with an ellipsis where it was cut. */
export function cutCell(text: string, columns: number): string {
  if (cellWidth(text) <= columns) return text;
  let used = 0;
  let cut = "";
  for (const character of text) {
    const width = characterWidth(character);
    if (used + width > columns - 1) break;
    used += width;
    cut += character;
  }
  return columns > 0 ? `${cut}…` : "";
}

function characterWidth(character: string): number {
  if (character < "\u007f") return 1;
  if (narrowless.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
