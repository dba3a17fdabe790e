import { exitCodes } from "./exit-code.ts";
import { type OptionName, optionNames, optionTable } from "./option-table.ts";

const width = 100;
const flagColumn = 30;

/** The text of `etcdlocker --help`. */
export function formatHelp(): string {
  return [
    "etcdlocker [options] [--] command [args…]",
    "",
    ...wrap(
      "Waits in line for a lock in etcd, runs the command while holding it, and gives it back when the command and what it " +
        "started are gone. If the lock is lost, the command is ended before anybody else can get the lock.",
      2,
    ),
    "",
    "Options (they end at the command, or at --):",
    "",
    ...optionNames.flatMap(formatOption),
    "",
    ...wrap("A plain number of a duration is seconds; 500ms, 30s, 5m and 2h are understood too.", 2),
    "",
    "Exit codes: that of the command, or",
    "",
    ...Object.values(exitCodes).map(({ code, text }) => `  ${String(code).padEnd(6)}${text}`),
    "  128+N etcdlocker or the command was ended by signal N",
    "",
    "Example:",
    "",
    "  ETCD_LOCK_HOST=etcd1,etcd2,etcd3 etcdlocker -k /backup -t 30 -- backup.sh --all",
    "",
  ].join("\n");
}

function formatOption(name: OptionName): string[] {
  const { letter, value } = optionTable[name];
  const short = letter === undefined ? "    " : `-${letter}, `;
  const flags = `  ${short}--${name}${value === undefined ? "" : ` ${value}`}`;
  const [first = "", ...rest] = wrap(describe(name), flagColumn);
  return [flags.padEnd(flagColumn) + first.trimStart(), ...rest];
}

function describe(name: OptionName): string {
  const { text, variable, fallback } = optionTable[name];
  const parts = [variable, fallback].filter((part) => part !== undefined);
  return parts.length === 0 ? text : `${text} [default: ${parts.join(", or ")}]`;
}

/** `text` in lines of at most {@link width} columns, each indented. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each) => " ".repeat(indent) + each);
}
