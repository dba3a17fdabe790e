import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, isAlive } from "../support/process-table.ts";
import { type Program, startProgram } from "../support/programs.ts";

const demo = fileURLToPath(new URL("../../demo/demo.js", import.meta.url));

/** The demo, with a folder of its own for temporary files. */
async function setUp(t: TestContext): Promise<{ program: Program; temporary: string }> {
  const temporary = await mkdtemp(join(tmpdir(), "testing-demo-"));
  const program = startProgram(process.execPath, [demo], { ownGroup: true, environment: { TMPDIR: temporary } });
  t.after(async () => {
    await program.kill();
    await rm(temporary, { recursive: true, force: true });
  });
  return { program, temporary };
}

test("the demo shows three take-overs, measures them, and leaves nothing", async (t) => {
  const { program, temporary } = await setUp(t);
  const { code } = await program.end(60_000);
  assert.equal(code, 0, program.stdout + program.stderr);
  // Where lines are broken depends on the length of names.
  const story = program.stdout.replace(/\s+/g, " ");
  for (const passage of [
    "south RUNS took over after",
    "south killed",
    "east RUNS took over after",
    "east lost",
    "exit code 2",
    "west RUNS took over after",
    "4 unbroken blocks (north, south, east, west)",
    "Left of the lock in etcd: nothing.",
  ]) {
    assert.ok(story.includes(passage), `${passage} is missing in:\n${program.stdout}`);
  }
  assert.equal(program.stderr, "");
  assert.deepEqual(await readdir(temporary), []);
});

test("Ctrl-C ends the demo with everything that it has started", async (t) => {
  const { program, temporary } = await setUp(t);
  await program.line(/west +waits/);
  const started = descendantsOf(program.pid);
  assert.ok(started.length >= 6, "etcd, four times etcdlocker, and a command");
  program.signalGroup("SIGINT");
  assert.equal((await program.end()).code, 130);
  await eventually(
    "every process has ended",
    () => started.filter(isAlive),
    (alive) => alive.length === 0,
  );
  assert.deepEqual(await readdir(temporary), []);
});
