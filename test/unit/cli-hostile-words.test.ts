import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openManager } from "#dist/cli/connection.js";
import { escapeText } from "#dist/cli/escape.js";
import { type OptionName, optionNames, optionTable } from "#dist/cli/option-table.js";
import { type Request, readRequest } from "#dist/cli/request.js";
import { UsageError } from "#dist/cli/usage-error.js";
import { hostileText } from "../support/hostile-text.ts";

type Environment = Readonly<Record<string, string>>;

const variables = [...optionNames.flatMap((name) => optionTable[name].variable ?? []), "ETCDCTL_PASSWORD"];
/** So long, in characters, is what is said on a wrong command line, at most. */
const longestComplaint = 1_000;

/** What is said, on a terminal, when it is not run; `undefined` when it is. Everything is read, etcd is not asked. */
async function complaint(words: readonly string[], environment: Environment): Promise<string | undefined> {
  try {
    const request = readRequest(words, environment, "host");
    const connection = connectionOf(request);
    if (connection !== undefined) await (await openManager(connection)).close();
    return undefined;
  } catch (error) {
    // Anything else would be seen as a stack trace.
    if (!(error instanceof UsageError)) throw error;
    return escapeText(error.message);
  }
}

function connectionOf(request: Request) {
  if (request.kind === "run") return request.job.connection;
  return request.kind === "act" ? request.action.connection : undefined;
}

/** One line, which does not move the cursor, and which nobody has to scroll for. */
function assertHarmless(said: string | undefined): void {
  if (said === undefined) return;
  assert.match(said, /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u);
  assert.ok(said.length <= longestComplaint, `${said.length} characters: ${said.slice(0, 200)}`);
}

/** An option in one of its spellings, with a value or without; or something else. */
const someWords = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...optionNames), hostileText, fc.nat({ max: 5 })).map(spell) },
  { weight: 2, arbitrary: hostileText.map((text) => [text]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(["--"], ["-"], ["-k", "/k"], ["true"], ["-vvn"], ["--key"], ["-kt"], ["-="], ["--="]),
  },
);

function spell([name, text, spelling]: [OptionName, string, number]): string[] {
  const { letter = "?", value } = optionTable[name];
  switch (spelling) {
    case 0:
      return [`--${name}=${text}`];
    case 1:
      return [`--${name}`, text];
    case 2:
      return [`-${letter}${text}`];
    case 3:
      return [`-${letter}`, text];
    case 4:
      // As getopt lets people abbreviate; we don't, since another option may come.
      return [`--${name.slice(0, -1)}`, text];
    default:
      return value === undefined ? [`--no-${name}`] : [`--${name}`];
  }
}

const someEnvironment = fc.dictionary(fc.constantFrom(...variables), hostileText, {
  maxKeys: 4,
  noNullPrototype: true,
});

describe("whatever is given, etcdlocker", () => {
  it("runs or says what is wrong, in one harmless line", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someWords, { maxLength: 5 }), someEnvironment, async (words, environment) => {
        assertHarmless(await complaint(words.flat(), environment));
      }),
      { numRuns: 3_000 },
    );
  });

  it("names the flag, what it was given, and more than that, when only this is wrong", async () => {
    const names = optionNames.filter((name) => optionTable[name].value !== undefined && name !== "user");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), hostileText, async (name, text) => {
        const said = await complaint(
          [...(name === "key" ? [] : ["-k", "/k"]), `--${name}=${text}`, ...restOf(name)],
          {},
        );
        if (said !== undefined) assertNamed(said, [`--${name}`], text);
      }),
      { numRuns: 1_000 },
    );
  });

  it("names the variable, what it holds, and more than that, when only this is wrong", async () => {
    const names = optionNames.filter((name) => optionTable[name].variable !== undefined && name !== "user");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), hostileText, async (name, text) => {
        const { variable = "" } = optionTable[name];
        const said = await complaint(restOf(name), { ETCD_LOCK_KEY: "/k", [variable]: text });
        if (said !== undefined) assertNamed(said, [variable, `--${name}`], text);
      }),
      { numRuns: 1_000 },
    );
  });

  it("never shows a secret", async () => {
    const secret = fc.stringMatching(/^[a-zA-Z0-9]{16}$/);
    await fc.assert(
      fc.asyncProperty(
        secret,
        fc.nat({ max: 4 }),
        someEnvironment,
        fc.array(someWords, { maxLength: 2 }),
        async (hidden, place, environment, more) => {
          const words = [
            "-k",
            "/k",
            ...(place === 0 ? [`--user=me:${hidden}`] : []),
            ...(place === 1 ? ["-e", `http://me:${hidden}@etcd`] : []),
          ];
          const secrets = {
            ...(place === 2 && { ETCDCTL_USER: `:${hidden}` }),
            ...(place === 3 && { ETCDCTL_USER: `me:${hidden}` }),
            ...(place === 4 && { ETCDCTL_PASSWORD: hidden }),
          };
          const said = await complaint([...words, ...more.flat(), "true"], { ...environment, ...secrets });
          assert.ok(!said?.includes(hidden), said);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

/** What else a command line needs when it has this option. */
function restOf(name: OptionName): readonly string[] {
  if (name === "token") return ["--break", "--yes"];
  return optionTable[name].group === "seeing" ? [] : ["true"];
}

/** The source, something of the value, and something about it. */
function assertNamed(said: string, sources: readonly string[], text: string): void {
  assertHarmless(said);
  assert.ok(
    sources.some((source) => said.includes(source)),
    said,
  );
  if (/ is given without /.test(said)) return;
  const plain = text.slice(0, 10).match(/[A-Za-z0-9]+/g) ?? [""];
  assert.ok(
    plain.some((part) => said.includes(part)),
    `${said} does not show ${text}`,
  );
  assert.ok(said.length > 30, said);
}
