import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, isAlive, listProcesses, membersOfGroup } from "../support/process-table.ts";
import { type Program, startProgram } from "../support/programs.ts";

function setUp(t: TestContext, script: string): Program {
  const program = startProgram("sh", ["-c", script], { ownGroup: true, environment: { WORD: "hello" } });
  t.after(() => program.kill());
  return program;
}

test("lines are found whether they were written before or after one waits for them", async (t) => {
  const program = setUp(t, "echo $WORD; read -r line; echo got $line >&2; exit 3");
  await program.line(/^hello$/);
  program.child.stdin?.write("more\n");
  const { stream } = await program.line(/^got more$/);
  assert.equal(stream, "stderr");
  assert.equal((await program.line(/hel/)).stream, "stdout");
  const { code, signal } = await program.end();
  assert.deepEqual([code, signal, program.stdout, program.stderr], [3, null, "hello\n", "got more\n"]);
});

test("waiting for a line that never comes fails with what was written instead", async (t) => {
  const program = setUp(t, "echo something else; sleep 0.1");
  await assert.rejects(program.line(/^hello$/, 20), /in vain.*wrote:/s);
  await assert.rejects(program.line(/^hello$/), /ended without.*stdout: something else/s);
});

test("the end is told although a process left behind holds the output open", async (t) => {
  const program = setUp(t, "sleep 60 & echo $!; exit 7");
  const pid = Number((await program.line(/^\d+$/)).text);
  assert.equal((await program.end(5_000)).code, 7);
  assert.ok(isAlive(pid));
  await program.kill();
  await eventually(
    "what was left behind is killed with the group",
    () => isAlive(pid),
    (alive) => !alive,
  );
});

test("families and groups are listed, and zombies are dead", async (t) => {
  // The inner shell becomes a sleep that never collects its child: a zombie.
  const program = setUp(t, "sh -c 'sleep 0.01 & echo zombie $!; exec sleep 60' & echo middle $!; wait");
  const middle = Number((await program.line(/^middle/)).text.split(" ")[1]);
  const zombie = Number((await program.line(/^zombie/)).text.split(" ")[1]);
  await eventually(
    "the child has ended",
    () => isAlive(zombie),
    (alive) => !alive,
  );
  assert.ok(listProcesses().some(({ pid, state }) => pid === zombie && state === "Z"));
  assert.deepEqual(descendantsOf(program.pid), [middle]);
  assert.deepEqual(new Set(membersOfGroup(program.pid)), new Set([program.pid, middle]));
  program.signalGroup("SIGTERM");
  assert.equal((await program.end()).signal, "SIGTERM");
  await eventually(
    "the group is empty",
    () => membersOfGroup(program.pid),
    (pids) => pids.length === 0,
  );
});

test("a program that does not exist rejects, and is not waited for", async () => {
  const program = startProgram("no-such-program-anywhere", []);
  await assert.rejects(program.end(), /in vain/);
  await assert.rejects(program.line(/x/), /ended without/);
  await program.kill();
});
