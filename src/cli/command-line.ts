import { parseArgs } from "node:util";
import { show } from "../show.ts";
import { shorten } from "./escape.ts";
import { isOptionName, type OptionName, optionNames, optionTable } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** The words of a command line, sorted: what came before the command, and the command. */
export interface CommandLine {
  /** The values given with each flag, in order; one empty string for each time a switch was given. */
  readonly flags: ReadonlyMap<OptionName, readonly string[]>;
  /** The command and its arguments, as they came. */
  readonly command: readonly string[];
}

/**
 * Splits the words after `etcdlocker`. The options end at the first word that is not one, or at `--`.
 *
 * @throws UsageError for an unknown flag, a flag without its value, or a switch with one.
 */
export function splitCommandLine(words: readonly string[]): CommandLine {
  const flags = new Map<OptionName, string[]>();
  for (const token of tokenize(words)) {
    if (token.kind === "positional") return { flags, command: words.slice(token.index) };
    if (token.kind === "option-terminator") return { flags, command: words.slice(token.index + 1) };
    const name = knownName(token);
    const values = flags.get(name) ?? [];
    flags.set(name, [...values, readValue(token, name)]);
  }
  return { flags, command: [] };
}

/** A flag that we don't know is shown up to here, in characters. */
const longestFlag = 80;

const options = Object.fromEntries(
  optionNames.map((name) => {
    const { letter, value } = optionTable[name];
    return [name, { type: value === undefined ? "boolean" : "string", ...(letter && { short: letter }) } as const];
  }),
);

type Token = ReturnType<typeof tokenize>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

/** Not strict, because the words of the command would be judged too. */
function tokenize(words: readonly string[]) {
  return parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function knownName({ name, rawName }: OptionToken): OptionName {
  if (isOptionName(name)) return name;
  throw new UsageError(
    `unknown option ${shorten(rawName, longestFlag)}; etcdlocker --help lists the options, and those of a command come after it`,
  );
}

function readValue({ rawName, value, inlineValue }: OptionToken, name: OptionName): string {
  const description = optionTable[name];
  if (description.value === undefined) {
    if (value === undefined) return "";
    throw new UsageError(`${rawName} is a switch and takes no value; got ${show(value)}`);
  }
  if (value === undefined || (!inlineValue && value.startsWith("-"))) {
    throw new UsageError(`${rawName} needs a value; one that begins with a dash is given as --${name}=VALUE`);
  }
  // `-k=name` meant "name" in 1.x, and must not become another lock.
  const isShortWithSign = inlineValue && !rawName.startsWith("--") && value.startsWith("=");
  return isShortWithSign ? value.slice(1) : value;
}
