import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { runEtcdlocker, startEtcdlocker } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { descendantsOf, isAlive, listProcesses } from "../support/process-table.ts";
import type { Program } from "../support/programs.ts";

const { endpoints } = await startEtcdForCrashes();

interface Run extends AsyncDisposable {
  readonly name: string;
  readonly locker: Program;
  /** All processes of the command. */
  readonly command: readonly number[];
  readonly guardian: number;
}

/** A command of three processes under a lock with a TTL of 3 s; none of them minds SIGTERM. */
async function setUp(): Promise<Run> {
  const name = newName();
  const script = "trap '' TERM; sleep 1000 & timeout 1000 sleep 1000 & echo ready; wait";
  const locker = startEtcdlocker(endpoints, ["-v", "-t3", "-k", name, "bash", "-c", script]);
  const pidIn = async (pattern: RegExp) => Number(pattern.exec((await locker.line(pattern)).text)?.[1]);
  const guardian = await pidIn(/guardian is ready \(pid (\d+)\)/);
  const leader = await pidIn(/started the command \(pid (\d+)\)/);
  await locker.line(/^ready$/);
  const find = () => [leader, ...descendantsOf(leader)];
  const command = await eventually("all have been started", find, (pids) => pids.length === 4);
  return { name, locker, guardian, command, [Symbol.asyncDispose]: () => locker.kill() };
}

async function assertGone(pids: readonly number[], limitMs: number): Promise<void> {
  await eventually(
    "they are gone",
    () => pids.filter(isAlive),
    (left) => left.length === 0,
    limitMs,
  );
}

describe("a command whose etcdlocker", () => {
  it("is killed is dead at once, with all that it started", async () => {
    await using run = await setUp();
    run.locker.signal("SIGKILL");
    await assertGone([run.guardian, ...run.command], 500);
  });

  it("is stopped is dead before the lease can end, and the next one runs", async () => {
    await using run = await setUp();
    run.locker.signal("SIGSTOP");
    const stoppedAt = performance.now();
    await assertGone(run.command, 3_000);
    // From the last renewal on: the deadline is at 2.7 s.
    assert.ok(performance.now() - stoppedAt < 2_800);
    assert.equal((await runEtcdlocker(endpoints, ["-k", run.name, "sh", "-c", "exit 5"])).code, 5);

    run.locker.signal("SIGCONT");
    assert.equal((await run.locker.end()).code, 2);
    assert.match(run.locker.stderr, /^etcdlocker: Lost lock/m);
    await assertGone([run.guardian], 500);
  });

  it("is stopped for a moment goes on", async () => {
    await using run = await setUp();
    run.locker.signal("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    run.locker.signal("SIGCONT");
    await run.locker.line(/ours for .* more/);
    assert.ok(run.command.every(isAlive));
    run.locker.signal("SIGUSR1");
    await assertGone(run.command, 1_000);
    await run.locker.end();
  });

  it("loses its guardian gets another, which does its duty", async () => {
    await using run = await setUp();
    process.kill(run.guardian, "SIGKILL");
    await run.locker.line(/the guardian of the command died; starting another/);
    const { text } = await run.locker.line(/another guardian is ready/);
    const guardian = Number(/pid (\d+)/.exec(text)?.[1]);
    run.locker.signal("SIGKILL");
    await assertGone([guardian, ...run.command], 1_000);
  });

  it("finds no shell is guarded all the same", async () => {
    const locker = startEtcdlocker(endpoints, ["-k", newName(), "/bin/sleep", "1000"], {
      environment: { PATH: "/no/such/folder" },
    });
    const find = () => listProcesses().filter(({ parentPid }) => parentPid === locker.pid);
    const children = await eventually("guardian and command are there", find, (entries) => entries.length === 2);
    locker.signal("SIGKILL");
    await assertGone(
      children.map(({ pid }) => pid),
      1_000,
    );
  });
});
