import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "#dist/line/entry.js";
import type { HoldRecord, LineView, OtherEntry } from "#dist/line/line-view.js";
import { OrphanLedger } from "#dist/line/orphan-ledger.js";
import { judgeTurn } from "#dist/line/turn.js";

const now = 1_000_000;

function setUp({ limit = 1 }: { limit?: number } = {}) {
  const entry = { suffix: "e", value: { limit }, createRevision: 50n, modRevision: 50n } as unknown as Entry;
  const own = { key: "n/e", value: new Uint8Array(), createRevision: 50n, modRevision: 50n, leaseId: 1n };
  const ledger = new OrphanLedger();
  const judge = (view: Partial<LineView>, at = now) => {
    const whole: LineView = { sentAt: 0, revision: 1n, own, others: [], records: [], isBlurred: false, ...view };
    ledger.observe(whole.records, at);
    return judgeTurn(entry, whole, ledger, at);
  };
  return { judge, ledger, own };
}

function other(suffix: string, createRevision: bigint, limit = 1): OtherEntry {
  return { suffix, key: `n/${suffix}`, limit, createRevision };
}

function record(suffix: string, modRevision: bigint, value: HoldRecord["value"] = { limit: 1, ttl: 10 }): HoldRecord {
  return { suffix, key: `n!${suffix}`, value, createRevision: 7n, modRevision };
}

test("who is alone is admitted", () => {
  assert.deepEqual(setUp().judge({}), { kind: "admitted", outlived: [] });
});

test("who has somebody ahead waits for the one just ahead", () => {
  const ahead = other("a", 40n);
  const turn = setUp().judge({ others: [ahead] });
  assert.deepEqual(turn, { kind: "waiting", justAhead: ahead, isNext: false, isFarBack: false, outlivedAt: undefined });
});

test("who has only holders ahead is next", () => {
  const turn = setUp().judge({ others: [other("a", 40n)], records: [record("a", 40n)] });
  assert.equal(turn.kind === "waiting" && turn.isNext, true);
});

test("who has a waiter ahead while somebody is inside is far back", () => {
  const turn = setUp().judge({ others: [other("b", 45n)], records: [record("a", 40n)] });
  assert.equal(turn.kind === "waiting" && turn.isFarBack && !turn.isNext, true);
});

test("an entry that is gone, or was written by somebody else, is no place", () => {
  const { judge, own } = setUp();
  assert.equal(judge({ own: undefined }).kind, "gone");
  assert.equal(judge({ own: { ...own, modRevision: 51n } }).kind, "gone");
});

test("an orphan keeps its place until no touch was seen for its TTL and the margin", () => {
  const { judge } = setUp();
  const orphan = record("a", 40n);
  assert.deepEqual(judge({ records: [orphan] }), {
    kind: "waiting",
    justAhead: undefined,
    isNext: true,
    isFarBack: false,
    outlivedAt: now + 11_000,
  });
  assert.equal(judge({ records: [orphan] }, now + 10_999).kind, "waiting");
  assert.deepEqual(judge({ records: [orphan] }, now + 11_000), { kind: "admitted", outlived: [orphan] });
});

test("a touch makes the wait for an orphan begin anew", () => {
  const { judge } = setUp();
  judge({ records: [record("a", 40n)] });
  judge({ records: [record("a", 60n)] }, now + 8_000);
  assert.equal(judge({ records: [record("a", 60n)] }, now + 12_000).kind, "waiting");
  assert.equal(judge({ records: [record("a", 60n)] }, now + 19_000).kind, "admitted");
});

test("an older sighting does not take back a newer one", () => {
  const { judge, ledger } = setUp();
  judge({ records: [record("a", 60n)] });
  ledger.observe([record("a", 40n)], now + 1_000);
  assert.equal(judge({ records: [record("a", 60n)] }, now + 11_000).kind, "admitted");
});

test("an orphan that does not say its TTL is waited for as if it had 60 s", () => {
  const turn = setUp().judge({ records: [record("a", 40n, { limit: 1 })] });
  assert.equal(turn.kind === "waiting" && turn.outlivedAt, now + 66_000);
});

test("readers wait for an orphaned writer, and not for an orphaned reader", () => {
  const reader = { limit: Number.POSITIVE_INFINITY };
  const { judge } = setUp(reader);
  assert.equal(judge({ records: [record("a", 40n, { limit: 1, ttl: 10 })] }).kind, "waiting");
  assert.equal(setUp(reader).judge({ records: [record("a", 40n, { ...reader, ttl: 10 })] }).kind, "admitted");
});

test("a semaphore counts an orphan as inside", () => {
  const two = { limit: 2, ttl: 10 };
  assert.equal(setUp(two).judge({ others: [other("b", 45n, 2)], records: [record("a", 40n, two)] }).kind, "waiting");
  assert.equal(setUp(two).judge({ records: [record("a", 40n, two)] }).kind, "admitted");
});

test("an orphan that was admitted behind us does not stand in our way", () => {
  const three = { limit: 3, ttl: 10 };
  const behind = record("z", 90n, { ...three, place: 60n });
  assert.equal(
    setUp(three).judge({ others: [other("a", 40n, 3), other("b", 41n, 3)], records: [behind] }).kind,
    "admitted",
  );
});
