import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Mutation, runMutant } from "../support/mutant.ts";

const mutations: readonly Mutation[] = [
  {
    what: "releases by name",
    file: "line/leave-lines.js",
    from: "return [isAsWeLeftIt(place)];",
    to: "return [[]];",
  },
  {
    what: "leaves its entry in line when it gives up waiting",
    file: "line/admit-to-lines.js",
    from: "await leaveLines(session, places, { timeoutMs: leaveTimeoutMs }).catch(leaveLater);",
    to: "",
  },
  {
    what: "does not look whether its own entry is still there",
    file: "line/turn.js",
    from: "if (view.own?.modRevision !== entry.modRevision)",
    to: "if (false)",
  },
  {
    what: "lets those who share in past a writer who waits",
    file: "line/admission.js",
    from: "ahead.every(({ limit }) => position <= limit)",
    to: "(own.limit === Infinity || ahead.every(({ limit }) => position <= limit))",
  },
  {
    what: "lets one too many into a semaphore",
    file: "line/admission.js",
    from: "const position = ahead.length + 1;",
    to: "const position = ahead.length + (own.limit > 1 && own.limit !== Infinity ? 0 : 1);",
  },
  {
    what: "takes no notice of those who were told that they have lost, and have not stopped yet",
    file: "line/turn.js",
    from: "return records.filter(({ suffix }) => !present.has(suffix));",
    to: "return [];",
  },
  {
    what: "believes what strangers say of their limit",
    file: "line/entry-value.js",
    from: "isOurs ? parseLimit(limit) : 1",
    to: "parseLimit(limit)",
  },
  {
    what: "takes the keys of a deeper name for its line's",
    file: "line/line-name.js",
    from: "/[/!]/.test(suffix) ? undefined : suffix",
    to: "/[!]/.test(suffix) ? undefined : suffix",
  },
  {
    what: "hands the lock over to the last in line, not to the next",
    file: "line/hand-over.js",
    from: "return successors.get(client)?.get(key);",
    to: "return [...(successors.get(client)?.values() ?? [])].at(-1);",
  },
  {
    what: "does not tell a holder that its entry is gone",
    file: "line/hold.js",
    from: "onEntryChange(events) {",
    to: "onEntryChange(events) { return;",
  },
];

describe("the model test catches code that", { concurrency: 2 }, () => {
  for (const mutation of mutations) {
    test(mutation.what, async (t) => {
      const words = ["--seed", "1", "--steps", "2400", "--patience", "12"];
      const { code, output } = await runMutant(mutation, "model", words);
      t.diagnostic(output.split("\n")[0] ?? "");
      assert.equal(code, 1, output);
      assert.match(output, /^Walk \d+, step \d+: /m);
    });
  }
});
