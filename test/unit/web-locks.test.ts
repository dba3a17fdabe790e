import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LineEntry } from "#dist/index.js";
import { EnteringOrder } from "#dist/web-locks/entering-order.js";
import { mostIdleNames, RequestedNames } from "#dist/web-locks/requested-names.js";
import { takeSnapshot } from "#dist/web-locks/snapshot.js";

/** Enters when it is let in, and is in line until it is let go. */
class Entrant {
  readonly calls: string[];
  readonly #name: string;
  #enter: (() => void) | undefined;
  #leave: (() => void) | undefined;

  constructor(name: string, calls: string[]) {
    this.#name = name;
    this.calls = calls;
  }

  readonly enter = (onEntered: () => void): Promise<void> => {
    this.calls.push(this.#name);
    this.#enter = onEntered;
    return new Promise((resolve) => {
      this.#leave = resolve;
    });
  };

  stands(): void {
    this.#enter?.();
  }

  leaves(): void {
    this.#leave?.();
  }
}

function threeEntrants(): { order: EnteringOrder; calls: string[]; entrants: [Entrant, Entrant, Entrant] } {
  const calls: string[] = [];
  const entrants: [Entrant, Entrant, Entrant] = [
    new Entrant("first", calls),
    new Entrant("second", calls),
    new Entrant("third", calls),
  ];
  return { order: new EnteringOrder(), calls, entrants };
}

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

describe("the order of entering", () => {
  it("lets the next one enter when the one before stands in line, or has gone again", async () => {
    const { order, calls, entrants } = threeEntrants();
    const [first, second, third] = entrants;
    const all = entrants.map(({ enter }) => order.inTurn("name", undefined, enter));
    await settled();
    assert.deepEqual(calls, ["first"]);
    first.stands();
    await settled();
    assert.deepEqual(calls, ["first", "second"]);
    second.leaves();
    await settled();
    assert.deepEqual(calls, ["first", "second", "third"]);
    first.leaves();
    third.leaves();
    await Promise.all(all);
  });

  it("does not let anybody pass because one in between gave up", async () => {
    const { order, calls, entrants } = threeEntrants();
    const [first, second, third] = entrants;
    const controller = new AbortController();
    const turns = [
      order.inTurn("name", undefined, first.enter),
      order.inTurn("name", controller.signal, second.enter),
      order.inTurn("name", undefined, third.enter),
    ];
    const outcomes = Promise.allSettled(turns);
    const reason = new Error("gave up");
    controller.abort(reason);
    await settled();
    assert.deepEqual(calls, ["first"]);
    first.stands();
    await settled();
    assert.deepEqual(calls, ["first", "third"]);
    first.leaves();
    third.leaves();
    assert.deepEqual(
      (await outcomes).map((outcome) => (outcome.status === "rejected" ? outcome.reason : "entered")),
      ["entered", reason, "entered"],
    );
  });

  it("is one for each name, and forgotten when nobody enters any more", async () => {
    const { order, calls, entrants } = threeEntrants();
    const [first, second, third] = entrants;
    const turns = [order.inTurn("a", undefined, first.enter), order.inTurn("b", undefined, second.enter)];
    await settled();
    assert.deepEqual(calls, ["first", "second"]);
    const state = { entered: false };
    const allEntered = order.allEntered().then(() => {
      state.entered = true;
    });
    first.stands();
    await settled();
    assert.equal(state.entered, false);
    second.stands();
    await allEntered;
    turns.push(order.inTurn("a", undefined, third.enter));
    assert.deepEqual(calls, ["first", "second", "third"]);
    for (const entrant of entrants) entrant.leaves();
    await Promise.all(turns);
  });
});

describe("the names that have been requested", () => {
  it("are kept while they are in use, and the latest of the others", () => {
    const names = new RequestedNames();
    const first = names.use("kept");
    const second = names.use("kept");
    for (let count = 0; count < mostIdleNames + 10; count += 1) names.use(`name ${count}`)[Symbol.dispose]();
    second[Symbol.dispose]();
    assert.equal(names.list().length, mostIdleNames + 1);
    assert.ok(names.list().includes("kept"));
    assert.ok(names.list().includes(`name ${mostIdleNames + 9}`));
    assert.ok(!names.list().includes("name 9"));
    first[Symbol.dispose]();
    assert.equal(names.list().length, mostIdleNames);
    assert.ok(names.list().includes("kept"));
  });

  it("are each listed once, however often and by whomever they are asked for", () => {
    const names = new RequestedNames();
    names.use("a")[Symbol.dispose]();
    using _again = names.use("a");
    names.use("b")[Symbol.dispose]();
    names.use("b")[Symbol.dispose]();
    assert.deepEqual(names.list(), ["a", "b"]);
  });
});

describe("a snapshot", () => {
  const entry = (given: Partial<LineEntry>): LineEntry => ({
    position: 1,
    state: "waiting",
    key: "a/1f",
    foreign: false,
    leaseId: 31n,
    createRevision: 1n,
    limit: 1,
    ...given,
  });

  it("tells what is held in the order of granting, and what waits in the order of each line", () => {
    const { held, pending } = takeSnapshot([
      {
        name: "a",
        entries: [
          entry({ state: "holding", fencingToken: 9n }),
          entry({ limit: Number.POSITIVE_INFINITY }),
          entry({ createRevision: 3n }),
        ],
      },
      { name: "b", entries: [entry({ state: "orphan", fencingToken: 7n }), entry({ createRevision: 2n })] },
      { name: "c", entries: [entry({ state: "holding", foreign: true, createRevision: 8n })] },
    ]);
    assert.deepEqual(
      held.map(({ name }) => name),
      ["b", "c", "a"],
    );
    assert.deepEqual(
      pending.map(({ name, mode }) => [name, mode]),
      [
        ["a", "shared"],
        ["a", "exclusive"],
        ["b", "exclusive"],
      ],
    );
  });

  it("names a client by host, process and the lease that its keys are named after", () => {
    const us = { host: "host", pid: 12 };
    const clientIdOf = (given: Partial<LineEntry>): string | undefined =>
      takeSnapshot([{ name: "a", entries: [entry(given)] }]).pending[0]?.clientId;
    assert.equal(clientIdOf(us), "host/12/1f");
    assert.equal(clientIdOf({ ...us, key: "a/1f-z3", leaseId: 77n }), "host/12/1f");
    assert.equal(clientIdOf({ ...us, key: "a!1f-2", leaseId: 99n }), "host/12/1f");
    assert.equal(clientIdOf({ key: "a/694d81f0c2a1" }), "694d81f0c2a1");
    assert.equal(clientIdOf({ key: "a/by hand" }), "a/by hand");
  });
});
