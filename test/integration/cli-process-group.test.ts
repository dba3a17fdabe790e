import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ProcessGroup } from "#dist/cli/process-group.js";
import { Termination } from "#dist/cli/termination.js";
import { eventually } from "../support/eventually.ts";
import { isAlive, listProcesses, membersOfGroup } from "../support/process-table.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { testHost } from "../support/test-host.ts";

const folder = mkdtempSync(join(tmpdir(), "etcdlocker-"));
after(() => rmSync(folder, { recursive: true }));

/** A shell script in a session of its own, as etcdlocker starts a command; resolves when it has said `ready`. */
async function setUp(script: string): Promise<{ program: Program; group: ProcessGroup; termination: Termination }> {
  const program = startProgram("bash", ["-c", script], { ownGroup: true, folder });
  await program.line(/^ready$/);
  const group = new ProcessGroup(testHost, { leader: program.pid, marker: "X=1", shared: undefined });
  return { program, group, termination: new Termination(testHost, group, "SIGTERM") };
}

async function pidFrom(program: Program, name: string): Promise<number> {
  const { text } = await program.line(new RegExp(`^${name} \\d+$`));
  return Number(text.split(" ")[1]);
}

describe("the processes of a command", () => {
  it("all get a signal, also those of timeout(1) and of job control, which have process groups of their own", async () => {
    const catcher = (name: string) =>
      `trap 'echo ${name} got it; exit' USR1; echo ${name} is there; while :; do sleep 0.05; done`;
    const { program, group } = await setUp(`
      set -m
      bash -c "${catcher("job")}" &
      set +m
      timeout 100 bash -c "${catcher("timeout")}" &
      trap 'echo leader got it' USR1
      echo ready
      wait; wait; wait; wait`);
    for (const name of ["job", "timeout"]) await program.line(new RegExp(`${name} is there`));
    await group.signal("SIGUSR1");
    for (const name of ["leader", "job", "timeout"]) await program.line(new RegExp(`${name} got it`));
    await group.signal("SIGKILL");
  });

  it("are gone only when the last is, and not already with the command", async () => {
    const { program, group } = await setUp("sleep 1000 & echo sleep $!; echo ready");
    const sleeper = await pidFrom(program, "sleep");
    await program.end();
    assert.equal(await group.isGone(), false);
    process.kill(sleeper, "SIGKILL");
    await eventually(
      "they are gone",
      () => group.isGone(),
      (isGone) => isGone,
    );
  });

  it("are gone when only zombies are left, which nobody may ever collect", async () => {
    // The shell becomes a program that does not know its child, and does not collect it.
    const { program, group } = await setUp("(sleep 0.1) & echo child $!; echo ready; exec sleep 1000");
    const child = await pidFrom(program, "child");
    const zombie = () => listProcesses().some(({ pid, state }) => pid === child && state === "Z");
    await eventually("the child is a zombie", zombie, (isSo) => isSo);
    assert.deepEqual(
      (await group.members()).map(({ pid }) => pid),
      [program.pid],
    );
    await program.kill();
  });

  it("do not include a daemon that made a session of its own", async () => {
    const { program, group } = await setUp("setsid sleep 1000 & echo daemon $!; echo ready; sleep 0.3");
    const daemon = await pidFrom(program, "daemon");
    await program.end();
    await eventually(
      "the others are gone",
      () => group.isGone(),
      (isGone) => isGone,
    );
    assert.ok(isAlive(daemon));
    process.kill(daemon, "SIGKILL");
  });

  it("are never signalled again once they were gone", async () => {
    const { program, group } = await setUp("echo ready");
    await program.end();
    assert.equal(await group.isGone(), true);
    await group.signal("SIGKILL");
    assert.deepEqual(await group.members(), []);
  });

  it("are never those of the first process of the machine, nor of everybody", () => {
    for (const leader of [1, 0, -1]) {
      assert.throws(() => new ProcessGroup(testHost, { leader, marker: "", shared: undefined }), RangeError);
    }
  });
});

describe("the end of a command", () => {
  it("is one that it may prepare for", async () => {
    const { program, termination } = await setUp(
      "trap 'sleep 0.2; echo tidied up; exit' TERM; echo ready; while :; do sleep 0.05; done",
    );
    assert.equal(await termination.begin(10_000), true);
    assert.match(program.stdout, /tidied up/);
  });

  it("is SIGKILL for those who do not mind SIGTERM", async () => {
    const { program, termination } = await setUp("trap '' TERM; sleep 1000 & echo ready; wait");
    const startedAt = performance.now();
    assert.equal(await termination.begin(300), true);
    assert.ok(performance.now() - startedAt >= 299);
    assert.equal((await program.end()).signal, "SIGKILL");
  });

  it("comes to those who are stopped, too", async () => {
    const { program, termination } = await setUp(
      "trap 'echo awake; exit' TERM; echo ready; kill -STOP $$; sleep 1000 & wait",
    );
    await eventually(
      "it is stopped",
      () => listProcesses().find(({ pid }) => pid === program.pid)?.state,
      (state) => state === "T",
    );
    assert.equal(await termination.begin(5_000), true);
    await program.line(/awake/);
  });

  it("comes at once when somebody asks again", async () => {
    const { termination } = await setUp("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    const over = termination.begin(60_000);
    assert.equal(termination.begin(0), over);
    assert.equal(await over, true);
  });

  it("is not put off by asking again", async () => {
    const { termination } = await setUp("trap '' TERM; echo ready; while :; do sleep 0.05; done");
    const over = termination.begin(200);
    void termination.begin(60_000);
    assert.equal(await over, true);
  });

  it("comes to those who fork faster than one can count them", async () => {
    const { program, termination } = await setUp(`
      trap '' TERM
      echo ready
      f() { sleep 0.01; f & }
      f & f & f &
      wait; sleep 1000`);
    assert.equal(await termination.begin(200), true);
    await program.end();
    assert.deepEqual(membersOfGroup(program.pid), []);
  });
});
