/** Everything is drawn on a card of its own colour, light or dark as the reader's system is. */
export const cardWidth = 760;

const style = `
  svg { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
  .card { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .panel { font-weight: 600 }
  .faint { fill: #59636e; font-size: 12px }
  .ours { fill: #0969da }
  .peer { fill: #8c959f }
  .floor { fill: #d0d7de }
  .line { stroke: #59636e; fill: none }
  .grid { stroke: #d8dee4; fill: none }
  .strong { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .peer { fill: #7d8590 }
    .floor { fill: #3d444d }
    .line { stroke: #b1bac4 }
    .grid { stroke: #2a313c }
  }`;

/** A whole picture: title, what it shows in words, and what was drawn below; `height` is that of the drawing. */
export function card(
  title: string,
  subtitle: string,
  height: number,
  drawing: readonly string[],
  foot: string,
): string {
  const total = height + 92;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${cardWidth}" height="${total}" viewBox="0 0 ${cardWidth} ${total}" role="img" aria-label="${escapeXml(title)}">`,
    `<style>${style}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${cardWidth - 1}" height="${total - 1}" rx="8"/>`,
    text(20, 30, title, "title"),
    text(20, 50, subtitle, "faint"),
    `<g transform="translate(0 64)">`,
    ...drawing,
    "</g>",
    text(20, total - 12, foot, "faint"),
    "</svg>\n",
  ].join("\n");
}

/** A line of text; `anchor` is where its position is. */
export function text(
  x: number,
  y: number,
  words: string,
  kind = "",
  anchor: "start" | "middle" | "end" = "start",
): string {
  return `<text x="${tenth(x)}" y="${tenth(y)}" class="${kind}" text-anchor="${anchor}">${escapeXml(words)}</text>`;
}

export function rectangle(x: number, y: number, width: number, height: number, kind: string): string {
  return `<rect x="${tenth(x)}" y="${tenth(y)}" width="${tenth(Math.max(0.5, width))}" height="${tenth(height)}" class="${kind}"/>`;
}

export function path(instructions: string, kind: string): string {
  return `<path d="${instructions}" class="${kind}"/>`;
}

/** What colour a peer has: ours, a floor, or another's. */
export function kindOf(peer: string): "ours" | "floor" | "peer" {
  if (peer === "etcd-lock") return "ours";
  return /put|flock|^node$/.test(peer) ? "floor" : "peer";
}

export function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
