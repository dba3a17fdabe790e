import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatWaiting } from "#dist/cli/waiting-text.js";
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
  const line = { name: "/lock", entries: entries.map((each) => ({ ...entry, ...each })) };
  return formatWaiting(line, "/lock/ours", waitedMs);
}

const ours: Partial<LineEntry> = { key: "/lock/ours", id: "us" };
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
    const text = format([holder, { id: "web2" }, ours, { id: "web3" }], 35_999);
    assert.equal(text, "waiting 35 s, 2 ahead: web1 since 12:03:11 (pid 42 on web1.example: backup.sh --all 'a b')");
  });

  it("has the date when that is not today", () => {
    const text = format([{ id: "web1", since: new Date(2020, 0, 2, 3, 4, 5) }, ours]);
    assert.equal(text, "waiting, 1 ahead: web1 since 2020-01-02 03:04:05");
  });

  it("is what is known of somebody else's entry: its key", () => {
    assert.equal(format([{ foreign: true, key: "/lock/2f" }, ours]), "waiting, 1 ahead: another client (/lock/2f)");
  });

  it("tells of a holder who died", () => {
    assert.match(format([{ id: "web1", state: "orphan" }, ours]), /web1, which died or was cut off/);
  });

  it("is right when nobody is ahead any more, and when etcd does not answer", () => {
    assert.equal(format([ours], 1_000), "waiting 1 s, next in line");
    assert.equal(formatWaiting(undefined, "", 62_000), "waiting 1 min 2 s; etcd does not answer");
  });

  it("is short, whatever others wrote into etcd", () => {
    const long = "x".repeat(10_000);
    const metadata = { command: [long, 1, null] };
    assert.ok(format([{ id: long, host: long, pid: 1, since, metadata }, ours]).length < 200);
    assert.match(format([{ id: "a", metadata: { command: { not: "a list" } } }, ours]), /ahead: a$/);
  });
});
