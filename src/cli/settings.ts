import { parseDurationMs } from "../duration.ts";
import { show } from "../show.ts";
import type { Environment } from "./host.ts";
import { type OptionName, optionTable } from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** A value that was given, and where. */
export interface Setting {
  /** The flag or the variable, for error messages. */
  readonly source: string;
  /** All values given with the flag, in order. */
  readonly values: readonly string[];
  /** The last value: a later flag overrides an earlier one. */
  readonly text: string;
}

/** What was given for the options: with flags, and by variables where there is no flag. */
export class Settings {
  readonly #flags: ReadonlyMap<OptionName, readonly string[]>;
  readonly #environment: Environment;

  constructor(flags: ReadonlyMap<OptionName, readonly string[]>, environment: Environment) {
    this.#flags = flags;
    this.#environment = environment;
  }

  /** Whether the flag itself was given. */
  hasFlag(name: OptionName): boolean {
    return this.#flags.has(name);
  }

  /** What was given for the option `name`, if anything. */
  find(name: OptionName): Setting | undefined {
    const { letter, variable } = optionTable[name];
    const source = letter === undefined ? `--${name}` : `--${name} (-${letter})`;
    const values = this.#flags.get(name);
    const last = values?.at(-1);
    if (values !== undefined && last !== undefined) return { source, values, text: last };
    const text = variable === undefined ? undefined : this.#environment[variable];
    if (variable === undefined || text === undefined || text === "") return undefined;
    return { source: variable, values: [text], text };
  }

  /** What the environment variable `name`, which stands for no flag, holds; empty is as good as not set. */
  variable(name: string): string | undefined {
    return this.#environment[name] || undefined;
  }

  /** Whether a switch is on. @throws UsageError when its variable says neither yes nor no. */
  isOn(name: OptionName): boolean {
    const setting = this.find(name);
    if (setting === undefined || this.hasFlag(name)) return setting !== undefined;
    const word = setting.text.toLowerCase();
    if (/^(1|true|yes|on)$/.test(word)) return true;
    if (/^(0|false|no|off)$/.test(word)) return false;
    throw wrong(setting, "1 or 0, also as true, yes, on and false, no, off");
  }

  /** @throws UsageError when the text is empty. */
  text(name: OptionName): string | undefined {
    const setting = this.find(name);
    if (setting?.text === "") throw wrong(setting, "any text that is not empty");
    return setting?.text;
  }

  /** In milliseconds. @throws UsageError when it is no duration, with `allowed` in its message. */
  durationMs(name: OptionName, allowed: string, isAllowed: (ms: number) => boolean = () => true): number | undefined {
    const setting = this.find(name);
    if (setting === undefined) return undefined;
    const ms = parseDurationMs(setting.text);
    if (ms !== undefined && isAllowed(ms)) return ms;
    throw wrong(setting, allowed);
  }

  /** A whole number. @throws UsageError when it is none from `least` to `most`. */
  wholeNumber(name: OptionName, least: number, most: number): number | undefined {
    const setting = this.find(name);
    if (setting === undefined) return undefined;
    const number = /^\d+$/.test(setting.text) ? Number(setting.text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw wrong(setting, `a whole number from ${least} to ${most}`);
  }

  /** One of `words`. @throws UsageError when it is none of them. */
  word<Word extends string>(name: OptionName, words: readonly Word[]): Word | undefined {
    const setting = this.find(name);
    if (setting === undefined) return undefined;
    const word = words.find((each) => each === setting.text);
    if (word !== undefined) return word;
    throw wrong(setting, words.join(", "));
  }
}

/** The error for a value that is not allowed. */
export function wrong({ source, text }: Setting, allowed: string): UsageError {
  return new UsageError(`${source} is ${show(text)}; allowed is ${allowed}`);
}
