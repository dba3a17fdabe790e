import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readRequest } from "#dist/cli/request.js";
import { UsageError } from "#dist/cli/usage-error.js";

function readAction(...words: readonly string[]): unknown {
  const request = readRequest(words, {}, "host");
  assert.equal(request.kind, "act");
  const { connection, ...action } = request.action;
  assert.deepEqual(connection.endpoints, ["localhost:2379"]);
  return action;
}

const names = { kind: "names", names: ["/lock"] };

describe("what is to be done in place of a command", () => {
  it("is to show lines, once or again and again", () => {
    const once = { kind: "view", isLive: false, isJson: false };
    assert.deepEqual(readAction("-k", "/lock", "--status"), { ...once, subject: names });
    assert.deepEqual(readAction("-k", "/lock", "--watch"), { ...once, subject: names, isLive: true });
    assert.deepEqual(readAction("-k", "/lock", "--status", "--json"), { ...once, subject: names, isJson: true });
    assert.deepEqual(readAction("--list", "/a"), { ...once, subject: { kind: "prefix", prefix: "/a" } });
    assert.deepEqual(readAction("--list=", "--watch"), {
      ...once,
      subject: { kind: "prefix", prefix: "" },
      isLive: true,
    });
  });

  it("is to verify or to break exactly one hold", () => {
    assert.deepEqual(readAction("-k", "/lock", "--verify", "12"), { kind: "verify", name: "/lock", token: 12n });
    const broken = { kind: "break", name: "/lock" };
    assert.deepEqual(readAction("-k", "/lock", "--break"), { ...broken, token: undefined, isSure: false });
    assert.deepEqual(readAction("-k", "/lock", "--break", "--yes", "--token=9"), {
      ...broken,
      token: 9n,
      isSure: true,
    });
  });

  it("is nothing that a variable could say: a forgotten one must not keep a command from running", () => {
    const environment = {
      ETCD_LOCK_STATUS: "1",
      ETCD_LOCK_VERSION: "2.0.0",
      ETCD_LOCK_BREAK: "1",
      ETCD_LOCK_HELP: "1",
    };
    assert.equal(readRequest(["-k", "a", "status"], environment, "host").kind, "run");
  });

  it("is refused when it is two things, or a command as well, or lacks what it needs", () => {
    const wrong: readonly (readonly [words: readonly string[], complaint: RegExp])[] = [
      [["--status"], /key is missing/],
      [["-k", "a", "--status", "ls"], /--status takes no command; got "ls"/],
      [["-k", "a", "--watch", "--", "ls"], /--status takes no command/],
      [["-k", "a", "--status", "--break"], /--status and --break exclude each other/],
      [["-k", "a", "--json", "ls"], /--json goes with --status, --list/],
      [["-k", "a", "--yes", "ls"], /--yes goes with --break/],
      [["-k", "a", "--verify", "1", "--watch"], /--watch goes with/],
      [["-k", "a", "--verify", "abc"], /--verify is "abc".*fencing token/],
      [["-k", "a", "--verify", "0"], /--verify is "0"/],
      [["-k", "a", "-k", "b", "--verify", "1"], /--verify is about one lock; got 2/],
      [["-k", "a", "--break", "--yes"], /--yes needs --token/],
      [["-k", "a", "--break", "--token", "x"], /--token is "x"/],
    ];
    for (const [words, complaint] of wrong) {
      assert.throws(
        () => readRequest(words, {}, "host"),
        (error) => error instanceof UsageError && complaint.test(error.message),
        words.join(" "),
      );
    }
  });
});
