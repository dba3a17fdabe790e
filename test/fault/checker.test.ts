import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkHistory } from "../../faults/checker/check-history.ts";
import type { Invariant } from "../../faults/checker/violation.ts";
import { HistoryWriter } from "../support/history-writer.ts";

const ttlMs = 3_000;

/** The invariants that a history violates, each once. */
function violated(history: HistoryWriter): Invariant[] {
  const { violations } = checkHistory(history.end());
  return [...new Set(violations.map(({ invariant }) => invariant))].sort((a, b) => a - b);
}

describe("the checker finds nothing wrong with", () => {
  it("holders who follow each other, one with a token that the resource accepts", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 200, token: 5 });
    history.write("one/1", { at: 150, token: 5, isAccepted: true, wasInside: true });
    history.hold("two/1", { from: 210, until: 300, token: 7 });
    assert.deepEqual(violated(history), []);
  });

  it("readers who are inside together, and learn of it in another order than they were let in", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 300, token: 5, limit: null });
    history.hold("two/1", { from: 120, until: 130, token: 7, limit: null });
    history.hold("three/1", { from: 140, until: 300, token: 6, limit: null });
    assert.deepEqual(violated(history), []);
  });

  it("foreign contenders who are inside together: they are under the lease's promise only", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 300, token: 5 });
    history.hold("go/1", { from: 200, until: 400, token: 6, family: "foreign" });
    assert.deepEqual(violated(history), []);
  });

  it("a smaller token than that of a foreign contender who had been inside while a hold record of ours stood", () => {
    const history = new HistoryWriter(ttlMs);
    history.touch("/lock!a", 90);
    history.hold("go/1", { from: 100, until: 200, token: 7, family: "foreign" });
    history.hold("one/1", { from: 300, until: 400, token: 5, key: "/lock/a" });
    history.erase("/lock!a", 400);
    assert.deepEqual(violated(history), []);
  });

  it("a waiter who is not served while somebody else is inside, or who was killed", () => {
    const history = new HistoryWriter(ttlMs);
    history.calm(0, 20_000);
    history.hold("one/1", { from: 100, until: 19_000, token: 5 });
    history.request("two/1", { at: 200 });
    history.request("three/1", { at: 200, name: "/other" });
    history.process("three", "killed", 1_000);
    assert.deepEqual(violated(history), []);
  });

  it("a newcomer in the calm who outlives the hold record of somebody who died long ago", () => {
    const history = new HistoryWriter(ttlMs);
    history.touch("/lock!dead", 100);
    history.calm(20_000, 40_000);
    history.request("two/1", { at: 30_000 });
    history.enter("two/1", { at: 33_300, token: 5 });
    history.erase("/lock!dead", 33_301);
    assert.deepEqual(violated(history), []);
  });

  it("a heedless holder whose write is refused after the loss", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 200, token: 5, lostAt: 210, wasHeld: false });
    history.write("one/1", { at: 500, token: 5, isAccepted: false, wasInside: false });
    assert.deepEqual(violated(history), []);
  });
});

describe("the checker finds a violation of 1", () => {
  it("when two are inside at once, by a millisecond", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 201, token: 5 });
    history.hold("two/1", { from: 200, until: 300, token: 7 });
    assert.deepEqual(violated(history), [1]);
  });

  it("when one stays inside while many others come and go", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("long/1", { from: 0, until: 5_000, token: 1, name: "/other" });
    history.hold("frozen/1", { from: 100, until: 1_000, token: 2 });
    history.hold("two/1", { from: 900, until: 950, token: 3 });
    const { violations } = checkHistory(history.end());
    assert.deepEqual(violations[0]?.attempts, ["two/1", "frozen/1"]);
  });

  it("when a descendant of a command outlives it, into the next hold", () => {
    const history = new HistoryWriter(ttlMs);
    history.command("job/1", { from: 100, until: 200, token: 5 });
    history.believe("job/1", 350);
    history.process("job/1", "ended", 360);
    history.command("job/2", { from: 300, until: 400, token: 7 });
    assert.deepEqual(violated(history), [1]);
  });
});

describe("the checker finds a violation of 2", () => {
  it("when a token is smaller than that of somebody who had left", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 200, token: 7 });
    history.hold("two/1", { from: 300, until: 400, token: 5 });
    assert.deepEqual(violated(history), [2]);
  });

  it("when it is smaller than that of a foreign holder who had left", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("go/1", { from: 100, until: 200, token: 7, family: "foreign" });
    history.hold("two/1", { from: 300, until: 400, token: 7 });
    assert.deepEqual(violated(history), [2]);
  });

  it("when the resource refuses somebody who is inside", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 200, token: 5 });
    history.write("one/1", { at: 150, token: 5, isAccepted: false, wasInside: true });
    assert.deepEqual(violated(history), [2]);
  });
});

describe("the checker finds a violation of 3", () => {
  it("when somebody is served before another whose place in line was before", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 200, token: 7, createRevision: 4 });
    history.hold("two/1", { from: 210, until: 300, token: 9, createRevision: 3 });
    assert.deepEqual(violated(history), [3]);
  });

  it("when somebody who came later is served before one who stood in line already", () => {
    const history = new HistoryWriter(ttlMs);
    history.request("early/1", { at: 50 });
    history.wait("early/1", { at: 60, key: "/lock/a" });
    history.hold("late/1", { from: 100, until: 200, token: 7, requestedAt: 80 });
    history.enter("early/1", { at: 210, token: 9, key: "/lock/a" });
    assert.deepEqual(violated(history), [3]);
  });

  it("when a waiter loses its place though there is no fault", () => {
    const history = new HistoryWriter(ttlMs);
    history.calm(0, 20_000);
    history.hold("one/1", { from: 100, until: 19_000, token: 5 });
    history.request("two/1", { at: 50 });
    history.wait("two/1", { at: 60, key: "/lock/a" });
    history.wait("two/1", { at: 10_000, key: "/lock/b" });
    assert.deepEqual(violated(history), [3]);
  });
});

describe("the checker finds a violation of 4", () => {
  it("when a lock is free for more than 2 s in the calm, and somebody waits", () => {
    const history = new HistoryWriter(ttlMs);
    history.calm(0, 20_000);
    history.request("one/1", { at: 100 });
    history.enter("one/1", { at: 6_400, token: 5 });
    assert.deepEqual(violated(history), [4]);
  });

  it("when a newcomer does not enter though it has outlived what somebody left who died", () => {
    const history = new HistoryWriter(ttlMs);
    history.touch("/lock!dead", 100);
    history.calm(20_000, 40_000);
    history.request("two/1", { at: 30_000 });
    history.enter("two/1", { at: 36_400, token: 5 });
    assert.deepEqual(violated(history), [4]);
  });

  it("when it does not enter though what somebody left who died is deleted, or belongs to another lock", () => {
    const history = new HistoryWriter(ttlMs);
    history.touch("/lock!used-again", 10);
    history.erase("/lock!used-again", 20);
    history.touch("/lock!used-again", 35_000);
    history.touch("/lock!dead", 100);
    history.touch("/lock/deeper!dead", 100);
    history.calm(20_000, 40_000);
    history.request("two/1", { at: 30_000 });
    history.erase("/lock!dead", 30_100);
    history.enter("two/1", { at: 32_200, token: 5 });
    assert.deepEqual(violated(history), [4]);
  });

  it("when somebody waits for ever", () => {
    const history = new HistoryWriter(ttlMs);
    history.calm(0, 9_000);
    history.request("one/1", { at: 100 });
    history.hold("two/1", { from: 20_000, until: 20_100, token: 5 });
    assert.deepEqual(violated(history), [4]);
  });
});

describe("the checker finds a violation of 5", () => {
  const lost = { from: 100, until: 200, token: 5, wasHeld: false };

  it("when a loss is not told", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", lost);
    assert.deepEqual(violated(history), [5]);
  });

  it("when a loss is told twice", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { ...lost, lostAt: 210 });
    history.lose("one/1", 220);
    assert.deepEqual(violated(history), [5]);
  });

  it("when somebody believes to be inside after the loss was told", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { ...lost, lostAt: 150 });
    assert.deepEqual(violated(history), [5]);
  });

  it("when somebody believes to be inside for longer than the last touch that etcd shows is good", () => {
    const history = new HistoryWriter(ttlMs);
    history.touch("/lock!a", 90);
    history.hold("one/1", { from: 100, until: 90 + ttlMs * 0.9 + 1, token: 5, key: "/lock/a" });
    assert.deepEqual(violated(history), [5]);
  });

  it("when a loss is told after the lease can have ended, by a process that runs", () => {
    const history = new HistoryWriter(ttlMs);
    history.touch("/lock!a", 90);
    const lostAt = 90 + ttlMs + 101;
    history.hold("one/1", { from: 100, until: 200, token: 5, key: "/lock/a", lostAt, wasHeld: false });
    assert.deepEqual(violated(history), [5]);
  });

  it("when a lock is lost though there is no fault", () => {
    const history = new HistoryWriter(ttlMs);
    history.calm(0, 20_000);
    history.hold("one/1", { from: 9_000, until: 9_100, token: 5, lostAt: 9_110, wasHeld: false });
    assert.deepEqual(violated(history), [5]);
  });

  it("when a command outlives its locker, and when it does so for long after that was killed", () => {
    const ended = new HistoryWriter(ttlMs);
    ended.command("job/1", { from: 100, until: 200, token: 5 });
    ended.process("job/1", "ended", 190);
    assert.deepEqual(violated(ended), [5]);
    const killed = new HistoryWriter(ttlMs);
    killed.command("job/1", { from: 100, until: 1_000, token: 5 });
    killed.process("job/1", "killed", 200);
    assert.deepEqual(violated(killed), [5]);
  });
});

describe("the checker finds a violation of 6", () => {
  it("when something is left at the end", () => {
    const history = new HistoryWriter(ttlMs);
    history.leave("key /lock/a", 100);
    assert.deepEqual(violated(history), [6]);
  });

  it("when the run did not come to its end", () => {
    const history = new HistoryWriter(ttlMs);
    const events = history.end().filter((event) => event.kind !== "run" || event.mark !== "over");
    assert.deepEqual(
      checkHistory(events).violations.map(({ invariant }) => invariant),
      [6],
    );
  });
});

describe("the checker finds a violation of 7", () => {
  it("when a writer is inside together with a reader", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("reader/1", { from: 100, until: 300, token: 5, limit: null });
    history.hold("writer/1", { from: 200, until: 250, token: 7 });
    assert.deepEqual(violated(history), [7]);
  });

  it("when more are inside than the strictest of them allows", () => {
    const history = new HistoryWriter(ttlMs);
    history.hold("one/1", { from: 100, until: 300, token: 5, limit: 3 });
    history.hold("two/1", { from: 110, until: 300, token: 6, limit: 2 });
    history.hold("three/1", { from: 120, until: 300, token: 7, limit: 3 });
    assert.deepEqual(violated(history), [7]);
  });
});

describe("a run on a machine that was starved", () => {
  it("is void, and blames nobody for being late", () => {
    const history = new HistoryWriter(ttlMs);
    history.starve(5_000);
    history.calm(0, 20_000);
    history.request("one/1", { at: 100 });
    history.enter("one/1", { at: 10_000, token: 5 });
    const { violations, excused, isVoid } = checkHistory(history.end());
    assert.deepEqual([violations, excused.map(({ invariant }) => invariant), isVoid], [[], [4], true]);
  });

  it("still shows who was inside together", () => {
    const history = new HistoryWriter(ttlMs);
    history.starve(150);
    history.hold("one/1", { from: 100, until: 201, token: 5 });
    history.hold("two/1", { from: 200, until: 300, token: 7 });
    assert.deepEqual(violated(history), [1]);
  });
});

describe("the checker", () => {
  it("judges 50,000 holds in a moment", () => {
    const history = new HistoryWriter(ttlMs);
    for (let turn = 0; turn < 50_000; turn += 1) {
      const from = turn * 3;
      history.hold(`one/${turn}`, { from, until: from + 2, token: turn + 1, name: `/lock-${turn % 5}` });
    }
    const events = history.end();
    const begunAt = performance.now();
    assert.deepEqual(checkHistory(events).violations, []);
    // A checker that compared all with all would take minutes.
    assert.ok(performance.now() - begunAt < 30_000);
  });
});
