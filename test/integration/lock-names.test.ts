import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LockTimeoutError } from "#dist/index.js";
import { etcdOfFile } from "../support/lock-setting.ts";
import { readKeys } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Pairs of these look alike, or become alike, to anybody who trims, decodes, normalises or joins. */
const oddNames = [
  ...["a", "/a", "a/", "//a", "a//", "/", "//", "a/b", "a//b", "a/b/c", "a/0", "a0", "A", ".", "..", "a/..", "a/./b"],
  ...[
    "a!",
    "a!b",
    "!",
    'a"',
    "a%21",
    "%",
    "%%",
    "%25",
    "a%2Fb",
    "a%2fb",
    "%20",
    " ",
    "  ",
    "a ",
    " a",
    "+",
    "a+b",
    "a b",
  ],
  ...["a?b", "a#b", "a&b=c", "?", "#", "a\\b", "a*", "[a]", "{}", "$(a)", "`a`", "'a'", "~", "a@b:c", "-", "--", "a,b"],
  ...["\0", "a\0", "\n", "a\nb", "\t", "\r\n", "\u001b[31m", "\u007f", "\u0085", "\u2028", "\u202e", "\ufeff"],
  ...[
    "ä",
    "a\u0308",
    "é",
    "e\u0301",
    "ﬁ",
    "fi",
    "İ",
    "i̇",
    "ß",
    "ss",
    "中文",
    "😀",
    "👨‍👩‍👧",
    "\ud83d",
    "\ude00",
    "\ufffd",
    "ￃ",
  ],
  ...["__proto__", "constructor", "undefined", "null", "0", "1e3", "007", "x".repeat(4_000), "é".repeat(600)],
];

describe("a name", { concurrency: true }, () => {
  it("is a lock of its own for every string: all of them are held at once, and each by one only", async (t) => {
    const setting = setUp(t);
    const inside = oddNames.map((key) => setting.lock({ key }));
    await Promise.all(inside.map((lock) => lock.lock({ timeout: 5_000 })));
    assert.deepEqual(
      inside.map(({ key, held }) => ({ key, held })),
      oddNames.map((key) => ({ key, held: true })),
    );
    const others = setting.manager();
    const outside = await Promise.allSettled(oddNames.map((name) => others.acquire(name, { timeout: 300 })));
    const served = oddNames.filter((_, index) => outside[index]?.status === "fulfilled");
    assert.deepEqual(served, []);
    for (const outcome of outside)
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof LockTimeoutError);
    await Promise.all(inside.map((lock) => lock.unlock()));
  });

  it("that is like a path is used as it is, so that others find the line", async (t) => {
    const setting = setUp(t);
    const key = `${setting.key}/Path-like_name~1:2@3=4,5+6`;
    const lock = setting.lock({ key });
    await lock.lock();
    const stored = await readKeys(setting.cluster, key);
    assert.deepEqual(
      new Set(stored.map((entry) => entry.key.slice(0, key.length + 1))),
      new Set([`${key}!`, `${key}/`]),
    );
  });

  it("is held whoever holds a deeper one, a shallower one, or a foreign key lies there", async (t) => {
    const setting = setUp(t);
    const { key, cluster } = setting;
    const deeper = setting.lock({ key: `${key}/b` });
    const deepest = setting.lock({ key: `${key}/b/c` });
    await Promise.all([deeper.lock(), deepest.lock()]);
    await cluster.etcdctl("put", `${key}/deep/down`, "a file of somebody else's");
    await cluster.etcdctl("put", `${key}`, "not in the line");
    const lock = setting.lock();
    await lock.lock({ timeout: 5_000 });
    const waiter = setting.lock({ id: "second" });
    const waiting = waiter.lock({ timeout: 5_000 });
    await lock.unlock();
    await waiting;
    assert.deepEqual([deeper.held, deepest.held, waiter.held], [true, true, true]);
    await cluster.etcdctl("del", `${key}/deep/down`);
    await cluster.etcdctl("del", key);
  });
});
