import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatConflict, formatWaiting } from "#dist/cli/waiting-text.js";
import type { LineEntry } from "#dist/index.js";

const entry: LineEntry = {
  position: 1,
  state: "waiting",
  key: "/lock/1",
  foreign: false,
  leaseId: 1n,
  createRevision: 1n,
  limit: 1,
};

function format(entries: readonly Partial<LineEntry>[], waitedMs = 0): string {
  return formatWaiting({ name: undefined, ahead: entries.map((each) => ({ ...entry, ...each })) }, waitedMs);
}

const since = new Date();
since.setHours(12, 3, 11);

describe("what is shown while we wait", () => {
  it("is how long, how many are ahead, and who holds the lock since when", () => {
    const holder = {
      id: "web1",
      host: "web1.example",
      pid: 42,
      since,
      metadata: { command: ["backup.sh", "--all", "a b"] },
    };
    const text = format([holder, { id: "web2" }], 35_999);
    assert.equal(text, "waiting 35 s, 2 ahead: web1 since 12:03:11 (pid 42 on web1.example: backup.sh --all 'a b')");
  });

  it("has the date when that is not today", () => {
    const text = format([{ id: "web1", since: new Date(2020, 0, 2, 3, 4, 5) }]);
    assert.equal(text, "waiting, 1 ahead: web1 since 2020-01-02 03:04:05");
  });

  it("is what is known of somebody else's entry: its key", () => {
    assert.equal(format([{ foreign: true, key: "/lock/2f" }]), "waiting, 1 ahead: another client (/lock/2f)");
  });

  it("tells of a holder who died", () => {
    const text = format([{ id: "web1", state: "orphan", since, pid: 7 }]);
    assert.equal(text, "waiting, 1 ahead: web1 since 12:03:11 (pid 7), which died or was cut off");
  });

  it("is right when nobody is ahead any more, and when etcd does not answer", () => {
    assert.equal(format([], 1_000), "waiting 1 s, next in line");
    assert.equal(formatWaiting(undefined, 62_000), "waiting 1 min 2 s; etcd does not answer");
  });

  it("names the line when there are several", () => {
    const ahead = [{ ...entry, id: "web1", state: "holding" } as const];
    assert.equal(formatWaiting({ name: "/b", ahead }, 2_000), "waiting 2 s for /b, 1 ahead: web1");
    assert.equal(formatConflict({ name: "/b", ahead }), "the lock /b is held by web1");
    assert.equal(formatConflict({ name: "/b", ahead: [{ ...entry, id: "web2" }] }), "the lock /b is wanted by web2");
    assert.equal(formatConflict({ name: undefined, ahead: [] }), "the lock is held by somebody else");
  });

  it("is short, whatever others wrote into etcd", () => {
    const long = "x".repeat(10_000);
    const metadata = { command: [long, 1, null] };
    assert.ok(format([{ id: long, host: long, pid: 1, since, metadata }]).length < 200);
    assert.match(format([{ id: "a", metadata: { command: { not: "a list" } } }]), /ahead: a$/);
  });
});
