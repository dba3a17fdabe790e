import assert from "node:assert/strict";
import { hold, itConforms, requestAnyhow, unexpected, type WebLock, type WebLocksUnderTest } from "./api.ts";

const odd = ["", " ", "a", "a ", "a/b", "/", "//", "a/", "!", '"', "%", "%25", "a-", ".", "..", "null", "constructor"];
const unicode = [
  "\0",
  "a\0",
  "\n",
  "é",
  "e\u0301",
  "\ud800",
  "\udc00",
  "\udc00\ud800",
  "\ufffd",
  "\u{1f512}",
  "\u202e",
];

/** What `request` takes, and how it refuses. */
export function testArguments(subject: WebLocksUnderTest): void {
  itConforms(subject, "needs a name and a function, and rejects with a TypeError without", async ({ locks, name }) => {
    for (const words of [[], [name], [name, {}], [name, undefined], [name, {}, undefined], [name, {}, "function"]]) {
      await assert.rejects(requestAnyhow(locks, ...words), TypeError, `${words}`);
    }
  });

  itConforms(subject, "takes anything for a name that becomes a string", async ({ locks, name }) => {
    const named = { toString: () => name };
    assert.equal(await requestAnyhow(locks, named, (lock: WebLock) => lock.name), name);
    assert.equal(await requestAnyhow(locks, 12.5, (lock: WebLock) => lock.name), "12.5");
    assert.equal(await requestAnyhow(locks, undefined, (lock: WebLock) => lock.name), "undefined");
    await assert.rejects(requestAnyhow(locks, Symbol("name"), unexpected), TypeError);
  });

  itConforms(subject, "takes undefined, null and any object for its options, and nothing else", async (setting) => {
    const { locks, name } = setting;
    for (const options of [undefined, null, {}, [], new Date()]) {
      assert.equal(await requestAnyhow(locks, name, options, (lock: WebLock) => lock.mode), "exclusive");
    }
    for (const options of [1, true, "shared", Symbol("options")]) {
      await assert.rejects(requestAnyhow(locks, name, options, unexpected), TypeError);
    }
  });

  itConforms(subject, "knows two modes", async ({ locks, name }) => {
    for (const mode of ["", "Exclusive", "shared ", null, 0, {}, Symbol("shared")]) {
      await assert.rejects(requestAnyhow(locks, name, { mode }, unexpected), TypeError);
    }
    assert.equal(await requestAnyhow(locks, name, { mode: ["shared"] }, (lock: WebLock) => lock.mode), "shared");
  });

  itConforms(subject, "takes nothing but an AbortSignal for a signal", async ({ locks, name }) => {
    for (const signal of ["string", 12.34, false, null, {}, Symbol("signal"), () => undefined, globalThis]) {
      await assert.rejects(requestAnyhow(locks, name, { signal }, unexpected), TypeError);
    }
  });

  itConforms(subject, "refuses names that begin with a hyphen", async ({ locks, name }) => {
    for (const refused of ["-", "-a", "--"]) {
      for (const mode of ["exclusive", "shared"] as const) {
        await assert.rejects(locks.request(refused, { mode }, unexpected), { name: "NotSupportedError" });
      }
    }
    assert.equal(await locks.request(`a-${name}`, () => "taken"), "taken");
  });

  itConforms(subject, "refuses options that do not go together", async ({ locks, name }) => {
    const { signal } = new AbortController();
    const refused = [
      { steal: true, ifAvailable: true },
      { steal: true, mode: "shared" },
      { steal: true, signal },
      { ifAvailable: true, signal },
    ] as const;
    for (const options of refused) {
      await assert.rejects(locks.request(name, options, unexpected), (error) => {
        assert.ok(error instanceof DOMException);
        assert.equal(error.name, "NotSupportedError");
        return true;
      });
    }
  });

  itConforms(subject, "looks at the types before anything else", async ({ locks }) => {
    await assert.rejects(requestAnyhow(locks, "-", { mode: "none" }, unexpected), TypeError);
    await assert.rejects(requestAnyhow(locks, "-", {}), TypeError);
  });

  itConforms(subject, "reads the options in the order of their names", async ({ locks, name }) => {
    const read: string[] = [];
    const options = new Proxy({}, { get: (_, option) => void read.push(String(option)) });
    await requestAnyhow(locks, name, options, () => undefined);
    assert.deepEqual(read, ["ifAvailable", "mode", "signal", "steal"]);
  });

  itConforms(subject, "takes every other string for a name, each for itself", async ({ locks }) => {
    const names = [...odd, ...unicode];
    const holds = names.map((name) => hold(locks, name));
    // All of them at the same time: no two are one.
    const granted = await Promise.all(holds.map((held) => held.granted));
    assert.deepEqual(
      granted.map((lock) => lock?.name),
      names,
    );
    for (const held of holds) held.end();
    await Promise.all(holds.map((held) => held.done));
  });
}
