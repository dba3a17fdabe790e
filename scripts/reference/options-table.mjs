import { formatFlags, fullText } from "../../dist/cli/help.js";
import { optionNames, optionTable } from "../../dist/cli/option-table.js";

const begin = "<!-- options: written by npm run reference -->";
const end = "<!-- end of options -->";

/** `page`, a text in Markdown, with the table of all options between its two marks. */
export function replaceOptionsTable(page) {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) throw new Error(`the page lacks "${begin}" or "${end}"`);
  return `${page.slice(0, from + begin.length)}\n\n${formatTable()}\n\n${page.slice(to)}`;
}

function formatTable() {
  const rows = optionNames.map((name) => {
    const { variable, fallback, value } = optionTable[name];
    const flags = formatFlags(name).replace(` ${value}`, "").split(", ").map(code).join(", ");
    return [
      flags,
      variable === undefined ? "" : code(variable),
      fallback ?? "",
      value?.toLowerCase() ?? "",
      fullText(name),
    ];
  });
  const table = [["flag", "variable", "default", "unit", ""], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function code(text) {
  return `\`${text}\``;
}
