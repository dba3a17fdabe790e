import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findMembers, type GroupRule } from "#dist/cli/process-group.js";
import { type ProcessEntry, parsePs, parseStat } from "#dist/cli/process-table.js";

const tail = "0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1000 10";

function entry(pid: number, parent: number, group: number, session: number | undefined): ProcessEntry {
  return { pid, parent, group, session, birth: undefined };
}

function membersOf(rule: Omit<GroupRule, "marker">, table: ProcessEntry[], marked: readonly number[] = []): number[] {
  return findMembers(table, { ...rule, marker: "" }, ({ pid }) => marked.includes(pid)).map(({ pid }) => pid);
}

describe("the system's list of processes", () => {
  it("is read whatever a program calls itself", () => {
    const expected = { pid: 42, parent: 7, group: 8, session: 9, birth: "4711" };
    for (const name of ["sh", "a b", ") R 1 1 1", "((", "\n", ""]) {
      assert.deepEqual(parseStat(`42 (${name}) S 7 8 9 ${tail}\n`), expected, name);
    }
  });

  it("does not count zombies, which wait for a parent that may never ask", () => {
    assert.equal(parseStat(`42 (sh) Z 7 8 9 ${tail}`), undefined);
    assert.equal(parseStat(`42 (sh) X 7 8 9 ${tail}`), undefined);
  });

  it("counts a process whose first thread has ended and whose others go on", () => {
    assert.equal(parseStat(`42 (java) Z 7 8 9 ${tail.replace("20 0 1 0", "20 0 3 0")}`)?.pid, 42);
  });

  it("counts a stopped process", () => {
    assert.equal(parseStat(`42 (sh) T 7 8 9 ${tail}`)?.pid, 42);
  });

  it("is read from ps elsewhere", () => {
    const text = "    1     0     1 Ss\n   42     1    42 R+\n   43    42    42 Z+\n";
    assert.deepEqual(
      parsePs(text).map(({ pid, parent, group }) => [pid, parent, group]),
      [
        [1, 0, 1],
        [42, 1, 42],
      ],
    );
  });
});

describe("the processes of a command with a session of its own", () => {
  const rule = { leader: 10, shared: undefined };

  it("are all of that session, also in process groups made there and when orphaned", () => {
    const table = [entry(1, 0, 1, 1), entry(10, 5, 10, 10), entry(11, 10, 10, 10), entry(12, 1, 12, 10)];
    assert.deepEqual(membersOf(rule, table), [10, 11, 12]);
  });

  it("are not those that made a session of their own, nor anybody else", () => {
    assert.deepEqual(membersOf(rule, [entry(5, 1, 5, 5), entry(13, 10, 13, 13), entry(14, 5, 5, 5)], [13]), []);
  });

  it("are the group and the descendants where the system does not tell sessions", () => {
    const table = [entry(5, 1, 5, undefined), entry(10, 5, 10, undefined), entry(11, 1, 10, undefined)];
    assert.deepEqual(membersOf(rule, [...table, entry(12, 10, 12, undefined)]), [10, 11, 12]);
  });
});

describe("the processes of a command that shares the terminal", () => {
  const rule = { leader: 10, shared: { session: 3, self: 5 } };

  it("are its descendants, and those that carry its marker", () => {
    const table = [
      entry(5, 3, 5, 3),
      entry(10, 5, 5, 3),
      entry(11, 10, 11, 3),
      entry(12, 11, 11, 3),
      entry(13, 1, 5, 3),
    ];
    assert.deepEqual(membersOf(rule, table, [10, 13]), [10, 11, 12, 13]);
  });

  it("are neither etcdlocker itself nor its neighbours in a pipeline", () => {
    assert.deepEqual(membersOf(rule, [entry(3, 1, 3, 3), entry(5, 3, 5, 3), entry(6, 3, 5, 3)], [5]), []);
  });

  it("are not those that made a session of their own", () => {
    assert.deepEqual(membersOf(rule, [entry(20, 10, 20, 20), entry(10, 5, 5, 3)], [20]), [10]);
  });

  it("are those of the session that the command makes for itself, too", () => {
    const table = [entry(5, 3, 5, 3), entry(10, 5, 10, 10), entry(11, 10, 10, 10), entry(12, 1, 12, 10)];
    assert.deepEqual(membersOf(rule, table), [10, 11, 12]);
  });

  it("are found also when the list contradicts itself", () => {
    assert.deepEqual(membersOf(rule, [entry(30, 31, 5, 3), entry(31, 30, 5, 3)]), []);
  });
});
