import { examples } from "./examples.ts";
import { exitCodes } from "./exit-code.ts";
import { type OptionName, optionGroupNames, optionGroups, optionsOf, optionTable } from "./option-table.ts";
import { wrap } from "./wrap.ts";

/** As wide as the narrowest terminal that is usual. */
const width = 80;
const briefColumn = 27;
const textColumn = 8;
const groupColumn = 13;

const synopsis = "etcdlocker [options] [--] command [args…]";

const summary = "Waits in line for a lock in etcd, and runs the command while holding it.";

/** There is room for one on the first screen. */
const briefExamples = examples.slice(0, 1);

/** The text of `etcdlocker --help`: one screen. */
export function formatHelp(): string {
  return lines(
    synopsis,
    summary,
    "",
    ...optionGroupNames.flatMap(optionsOf).filter(isEssential).map(formatBrief),
    "",
    ...optionGroupNames.flatMap(formatOthers),
    "",
    ...briefExamples.map(({ line }) => `  ${line}`),
    ...wrap(`Exit codes: the command's, 128 + signal, ${formatExitCodes()}. More: --help all, man etcdlocker.`, width),
  );
}

/** The text of `etcdlocker --help all`. */
export function formatFullHelp(): string {
  return lines(
    synopsis,
    "",
    ...wrap(
      `${summary} The lock is given back when the command and what it started are gone. If it is lost, the command is ` +
        "ended before anybody else can get it.",
      width,
    ),
    "",
    ...wrap(
      "Options end at the first word that is not one, or at --. A DURATION is a number of seconds, or has a unit: 500ms, " +
        "30s, 5m, 2h. In brackets: the variable that stands in for the option, and the default.",
      width,
    ),
    ...optionGroupNames.flatMap((group) => ["", `${optionGroups[group]}:`, ...optionsOf(group).flatMap(formatFull)]),
    "",
    "Exit codes:",
    "  N     that of the command",
    ...Object.values(exitCodes).map(({ code, text }) => `  ${String(code).padEnd(6)}${text}`),
    "  128+N etcdlocker or the command was ended by signal N",
    "",
    "Examples:",
    ...examples.flatMap(({ title, line }) => [`  # ${title}`, `  ${line}`]),
  );
}

/** The flags of an option, as they are given: `-k, --key NAME`. */
export function formatFlags(name: OptionName): string {
  const { letter, value } = optionTable[name];
  return `${letter === undefined ? "" : `-${letter}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** What an option does, in full. */
export function fullText(name: OptionName): string {
  const { text, brief } = optionTable[name];
  return text ?? brief;
}

function isEssential(name: OptionName): boolean {
  return optionTable[name].isEssential === true;
}

function formatBrief(name: OptionName): string {
  const { letter, brief, fallback } = optionTable[name];
  const flags = `  ${letter === undefined ? "    " : ""}${formatFlags(name)} `.padEnd(briefColumn);
  const isTold = fallback !== undefined && fallback !== "required" && fallback !== "off";
  return `${flags}${brief}${isTold ? ` [${fallback}]` : ""}`;
}

/** The options of a group that have no line of their own, one after the other. */
function formatOthers(group: keyof typeof optionGroups): string[] {
  const others = optionsOf(group).filter((name) => !isEssential(name));
  if (others.length === 0) return [];
  const flags = others.map((name) => {
    const { letter } = optionTable[name];
    return letter === undefined ? `--${name}` : `-${letter}/--${name}`;
  });
  const [first = "", ...rest] = wrap(flags.join(" "), width, groupColumn);
  return [`  ${group}`.padEnd(groupColumn) + first.trimStart(), ...rest];
}

function formatFull(name: OptionName): string[] {
  const { variable, fallback } = optionTable[name];
  const given = [variable, fallback].filter((part) => part !== undefined).join(", ");
  const text = fullText(name).replaceAll("`", "");
  return [`  ${formatFlags(name)}${given === "" ? "" : `  [${given}]`}`, ...wrap(text, width, textColumn)];
}

function formatExitCodes(): string {
  return Object.values(exitCodes)
    .map(({ code, brief }) => `${code} ${brief}`)
    .join(", ");
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
