import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Scope, sleep } from "#dist/abort.js";
import { EtcdUnavailableError } from "#dist/errors.js";
import type { EtcdClient, LeaseAnswer, Transaction, TransactionAnswer } from "#dist/etcd/etcd-client.js";
import { Chores } from "#dist/session/chores.js";
import type { Renewable } from "#dist/session/renewable.js";
import { Renewal } from "#dist/session/renewal.js";
import { Suffixes } from "#dist/session/suffixes.js";
import { FakeClock } from "../support/fake-clock.js";

const ttl = 60;
const refreshIntervalMs = 30_000;
const stepMs = 50;

/** A hold that notes when it was touched. */
class TestHold implements Renewable {
  readonly refreshIntervalMs = refreshIntervalMs;
  touchedAt: number;
  oldestMs = 0;
  touches = 0;

  constructor(touchedAt: number) {
    this.touchedAt = touchedAt;
  }

  touch(): Transaction {
    return { compare: [], success: [], failure: [] };
  }

  check(): Transaction {
    return this.touch();
  }

  onTouched(sentAt: number): void {
    this.oldestMs = Math.max(this.oldestMs, sentAt - this.touchedAt);
    this.touchedAt = sentAt;
    this.touches += 1;
  }

  onRoundEnd(): void {}
  onNotOurs(): void {
    assert.fail("all of them are ours");
  }
  onSessionEnd(): void {}
}

/** An etcd that answers at once, and notes when it was asked for what. */
function setUp(t: { after(work: () => void): void }) {
  const clock = new FakeClock();
  const away = { isAway: false, areRecordsAway: false, transactionMs: 0 };
  const asked = { keepAlives: [] as number[], transactions: [] as number[] };
  const header = { clusterId: 1n, raftTerm: 1n };
  let revision = 1n;
  const keepAlive = (id: bigint): Promise<LeaseAnswer> => {
    asked.keepAlives.push(clock.now());
    if (away.isAway || (away.areRecordsAway && id === 2n))
      return Promise.reject(new EtcdUnavailableError("etcd is away", []));
    return Promise.resolve({ header: { ...header, revision }, sentAt: clock.now(), unsettled: false, ttl });
  };
  const transact = async ({ success }: Transaction): Promise<TransactionAnswer> => {
    asked.transactions.push(clock.now());
    if (away.transactionMs > 0) await sleep(clock, away.transactionMs);
    revision += 1n;
    const results = success.map(() => ({ kind: "transaction", succeeded: true, results: [] }) as const);
    return { header: { ...header, revision }, sentAt: clock.now(), unsettled: false, succeeded: true, results };
  };
  const ended = new Scope();
  t.after(() => ended.abort(new Error("the test is over")));
  const granted = { header: { ...header, revision }, sentAt: clock.now(), unsettled: false, ttl };
  const renewal = new Renewal({
    client: { keepAlive, transact } as unknown as EtcdClient,
    clock,
    leases: { entries: 1n, records: 2n, granted },
    chores: new Chores(),
    suffixes: new Suffixes(1n),
    ended,
    end: () => assert.fail("nothing ends the session"),
    onRenewalFailed: (error) => assert.ok(away.isAway || away.areRecordsAway, error),
  });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(stepMs);
      await turn();
    }
  };
  return { clock, asked, away, renewal, pass };
}

for (const [words, takenAtOnce] of [
  ["taken at once", 10_000],
  ["taken one after the other", 50],
] as const)
  test(`the touches of ten thousand locks, ${words}, are spread: never more than ten transactions in a second, and none too late`, async (t) => {
    const { clock, asked, renewal, pass } = setUp(t);
    const holds: TestHold[] = [];
    while (holds.length < 10_000) {
      const taken = Array.from({ length: takenAtOnce }, () => new TestHold(clock.now()));
      for (const hold of taken) renewal.add(hold);
      holds.push(...taken);
      await pass(stepMs);
    }
    await pass(4 * refreshIntervalMs);
    for (const [index, at] of asked.transactions.entries()) {
      const inSameSecond = asked.transactions.slice(index).filter((other) => other < at + 1_000);
      assert.ok(inSameSecond.length <= 10, `${inSameSecond.length} transactions in one second`);
    }
    for (const { oldestMs, touches } of holds) {
      assert.ok(oldestMs <= refreshIntervalMs + 2 * stepMs, `touched after ${oldestMs} ms`);
      assert.ok(touches >= 3 && touches <= 5, `touched ${touches} times`);
    }
  });

test("one lock is touched once in each interval, together with the lease", async (t) => {
  const { clock, asked, renewal, pass } = setUp(t);
  const hold = new TestHold(clock.now());
  renewal.add(hold);
  await pass(4 * refreshIntervalMs + 1_000);
  assert.equal(hold.touches, 4);
  assert.equal(asked.transactions.length, 4);
  assert.equal(asked.keepAlives.length, 8);
});

test("locks that were taken one after the other are touched together with those that are nearly due", async (t) => {
  const { clock, asked, renewal, pass } = setUp(t);
  for (let taken = 0; taken < 50; taken += 1) {
    renewal.add(new TestHold(clock.now()));
    await pass(200);
  }
  await pass(refreshIntervalMs);
  assert.ok(asked.transactions.length <= 3, `${asked.transactions.length} transactions`);
});

test("a lock that was touched long ago when it is taken is touched in time, though no other is due", async (t) => {
  const { clock, renewal, pass } = setUp(t);
  renewal.add(new TestHold(clock.now()));
  await pass(refreshIntervalMs + 1_000);
  // As one of several that are taken together, and had to wait for the others.
  const hold = new TestHold(clock.now() - refreshIntervalMs + 2_000);
  renewal.add(hold);
  await pass(refreshIntervalMs);
  assert.ok(hold.touches > 0);
  assert.ok(hold.oldestMs <= refreshIntervalMs + 2 * stepMs, `touched after ${hold.oldestMs} ms`);
});

test("a touch ends before the next one begins, also when the other lease is not renewed meanwhile", async (t) => {
  const { clock, asked, away, renewal, pass } = setUp(t);
  renewal.add(new TestHold(clock.now()));
  away.areRecordsAway = true;
  away.transactionMs = 2_000;
  await pass(2 * refreshIntervalMs + 10_000);
  const [first = 0, ...later] = asked.transactions;
  assert.ok(later.length > 0);
  for (const [index, at] of later.entries()) assert.ok(at - (later[index - 1] ?? first) >= away.transactionMs);
});

test("a renewal that somebody waits for keeps the process alive, also while it pauses after a failure; no other does", async (t) => {
  const { clock, away, renewal, pass } = setUp(t);
  away.isAway = true;
  const failed = renewal.renew();
  await pass(stepMs);
  await failed;
  assert.equal(clock.keepsAlive, false);
  const renewed = renewal.renew();
  await turn();
  assert.equal(clock.keepsAlive, true);
  away.isAway = false;
  await pass(500);
  await renewed;
  assert.ok(renewal.renewedAt > clock.now() - 500);
  assert.equal(clock.keepsAlive, false);
});
