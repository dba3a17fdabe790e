import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { optionNames, optionTable } from "#dist/cli/option-table.js";
import { runEtcdlocker } from "../support/etcdlocker.ts";
import { hostileText } from "../support/hostile-text.ts";

/** Nobody listens there. */
const nowhere = "127.0.0.1:1";
/** Fixed: what is tried on a busy machine is what was tried here. */
const seed = 5;

/** Those that say where to ask, or what to wait for: everything else is read before etcd is asked. */
const elsewhere = new Set(["etcd", "endpoints", "discovery-srv", "watch", "help", "version", "completions"]);
const names = optionNames.filter((name) => !elsewhere.has(name));
const variables = names.flatMap((name) => optionTable[name].variable ?? []);

/** What Linux takes as one word, or as one variable, is up to 128 KiB; and what comes out of it must be what went in. */
const word = hostileText.filter(
  (text) => !/\p{Cs}/u.test(text) && !text.includes("\ufffd") && Buffer.byteLength(text) < 100_000,
);

const commandLine = fc.record({
  words: fc.array(
    fc.tuple(fc.constantFrom(...names), word).map(([name, text]) => `--${name}=${text}`),
    { maxLength: 2 },
  ),
  environment: fc.dictionary(fc.constantFrom(...variables), word, { maxKeys: 2, noNullPrototype: true }),
});

/** Codes that `docs/cli.md` has for a command that cannot run: etcd is out of reach, or the command line is wrong. */
const documented = [1, 64];

describe("etcdlocker as a process, whatever it is given", { concurrency: 8 }, () => {
  for (const [number, { words, environment }] of fc.sample(commandLine, { numRuns: 40, seed }).entries()) {
    it(`ends with a code of its own, and one that says why (${number})`, async () => {
      const all = ["-k", "/k", "--wait=0", ...words, "true"];
      const { code, stdout, stderr } = await runEtcdlocker([nowhere], all, { environment });
      const what = JSON.stringify({ words, environment, code, stderr }).slice(0, 2_000);
      assert.ok(code !== null && documented.includes(code), what);
      assert.equal(stdout, "", what);
      assert.match(stderr, /^etcdlocker: |^\{/, what);
      // Nothing that moves a cursor, no stack trace, and no more than fits a screen.
      assert.doesNotMatch(stderr.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u, what);
      assert.doesNotMatch(stderr, /^\s+at |node:internal|UnhandledPromise/m, what);
      assert.ok(stderr.length < 2_000, what);
    });
  }
});
