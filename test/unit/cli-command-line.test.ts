import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { splitCommandLine } from "#dist/cli/command-line.js";
import { type OptionName, optionNames, optionTable } from "#dist/cli/option-table.js";
import { UsageError } from "#dist/cli/usage-error.js";

function flagsOf(...words: string[]): Record<string, readonly string[]> {
  return Object.fromEntries(splitCommandLine(words).flags);
}

describe("the words of a command line", () => {
  it("end to be options at the first word that is not one", () => {
    const { flags, command } = splitCommandLine(["-v", "-k", "/lock", "ls", "-t", "5", "--", "-v"]);
    assert.deepEqual([...flags.keys()], ["verbose", "key"]);
    assert.deepEqual(command, ["ls", "-t", "5", "--", "-v"]);
  });

  it("end to be options at a double dash, which is not part of the command", () => {
    assert.deepEqual(splitCommandLine(["-v", "--", "--", "-k"]).command, ["--", "-k"]);
    assert.deepEqual(splitCommandLine(["--"]).command, []);
  });

  it("take a lone dash for a command", () => {
    assert.deepEqual(splitCommandLine(["-v", "-", "-k"]).command, ["-", "-k"]);
  });

  it("are understood short, glued, long, with a sign, and in a bundle", () => {
    for (const words of [["-t", "5"], ["-t5"], ["-t=5"], ["--ttl", "5"], ["--ttl=5"]]) {
      assert.deepEqual(flagsOf(...words), { ttl: ["5"] }, words.join(" "));
    }
    assert.deepEqual(flagsOf("-vnt5"), { verbose: [""], node: [""], ttl: ["5"] });
  });

  it("are never rewritten", () => {
    assert.deepEqual(flagsOf("-k", "007", "--id=0x10"), { key: ["007"], id: ["0x10"] });
    assert.deepEqual(flagsOf("--key==a=b"), { key: ["=a=b"] });
    assert.deepEqual(splitCommandLine(["007", "1e3", "", " "]).command, ["007", "1e3", "", " "]);
  });

  it("are all kept when an option is repeated", () => {
    assert.deepEqual(flagsOf("-e", "a", "-e", "b"), { etcd: ["a", "b"] });
  });

  it("are refused when a flag is unknown, lacks its value, or has one too many", () => {
    const wrong = [
      [["--foo", "x"], /--foo/],
      [["-x"], /-x/],
      [["-k"], /-k needs a value/],
      [["--ttl"], /--ttl needs a value/],
      [["-k", "--", "ls"], /-k needs a value.*--key=VALUE/],
      [["-t", "-5", "ls"], /-t needs a value/],
      [["--verbose=1", "ls"], /--verbose is a switch.*"1"/],
      [["--no-verbose", "ls"], /--no-verbose/],
      [["--constructor", "ls"], /--constructor/],
    ] as const;
    for (const [words, message] of wrong) {
      assert.throws(
        () => splitCommandLine(words),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    }
  });

  it("come back as they were given, whatever the command", () => {
    const word = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("--", "-t5", "--key=x", "-", "-zzz", "--foo"));
    fc.assert(
      fc.property(optionWords(), fc.array(word), fc.boolean(), (options, rest, hasDashes) => {
        const command = ["cmd", ...rest];
        const split = splitCommandLine([...options.words, ...(hasDashes ? ["--"] : []), ...command]);
        assert.deepEqual(split.command, command);
        assert.deepEqual(Object.fromEntries(split.flags), options.flags);
      }),
    );
  });
});

/** Options in their many spellings, and what they mean. */
function optionWords(): fc.Arbitrary<{ words: string[]; flags: Partial<Record<OptionName, string[]>> }> {
  const value = fc.string({ minLength: 1 }).filter((text) => !/^[-=]/.test(text));
  const one = fc.tuple(fc.constantFrom(...optionNames), value, fc.nat({ max: 2 }));
  return fc.array(one, { maxLength: 6 }).map((given) => {
    const flags: Partial<Record<OptionName, string[]>> = {};
    for (const [name, text] of given) {
      flags[name] = [...(flags[name] ?? []), optionTable[name].value === undefined ? "" : text];
    }
    return { flags, words: given.flatMap(([name, text, spelling]) => spell(name, text, spelling)) };
  });
}

function spell(name: OptionName, text: string, spelling: number): string[] {
  const { letter, value } = optionTable[name];
  const isLong = letter === undefined || spelling === 0;
  if (value === undefined) return [isLong ? `--${name}` : `-${letter}`];
  if (spelling === 1) return [letter === undefined ? `--${name}` : `-${letter}`, text];
  return [isLong ? `--${name}=${text}` : `-${letter}${text}`];
}
