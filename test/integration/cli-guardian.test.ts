import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { describe, it } from "node:test";
import { openBootClock } from "#dist/cli/boot-clock.js";
import { Guardian, GuardianStartError } from "#dist/cli/guardian.js";
import { type GuardianKind, GuardianProcess } from "#dist/cli/guardian-process.js";
import { Reporter } from "#dist/cli/reporter.js";
import { fixture } from "../support/etcdlocker.ts";
import { eventually, within } from "../support/eventually.ts";
import { isAlive, listProcesses } from "../support/process-table.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { testHost } from "../support/test-host.ts";

const noDescriptors = process.platform === "linux" ? false : "needs /proc";

const kinds: GuardianKind[] = openBootClock().kind === "uptime" ? ["shell", "node"] : ["node"];

/** A stand-in for etcdlocker, with a guardian and a command of four processes. */
async function setUp(kind: GuardianKind, deadlineMs: number, ...words: string[]): Promise<Guarded> {
  const locker = startProgram(process.execPath, [fixture("guarded-command"), kind, String(deadlineMs), ...words]);
  const pidIn = async (pattern: RegExp) => Number((await locker.line(pattern)).text.split(" ")[1]);
  const [guardian, command] = [await pidIn(/^guardian \d+$/), await pidIn(/^command \d+$/)];
  await eventually(
    "the command has started its own",
    () => membersOf(command),
    (pids) => pids.length >= 4,
  );
  return { locker, guardian, command, members: membersOf(command), [Symbol.asyncDispose]: () => locker.kill() };
}

interface Guarded extends AsyncDisposable {
  readonly locker: Program;
  readonly guardian: number;
  readonly command: number;
  /** Of the command's process group, and of the one that timeout(1) makes for itself. */
  readonly members: readonly number[];
}

function membersOf(command: number): number[] {
  const all = listProcesses();
  const children = all.filter(({ pid, parentPid }) => pid === command || parentPid === command).map(({ pid }) => pid);
  return all
    .filter(({ pid, parentPid }) => children.includes(pid) || children.includes(parentPid))
    .map(({ pid }) => pid);
}

async function assertAllGone({ guardian, members }: Guarded, limitMs: number): Promise<void> {
  const left = () => [guardian, ...members].filter(isAlive);
  await eventually("guardian and command are gone", left, (pids) => pids.length === 0, limitMs);
}

for (const kind of kinds) {
  describe(`a guardian made by ${kind}`, () => {
    it("kills all of the command at once when etcdlocker is killed", async () => {
      await using guarded = await setUp(kind, 60_000);
      await guarded.locker.kill();
      await assertAllGone(guarded, 1_000);
    });

    it("kills the command at the deadline when etcdlocker is stopped", async () => {
      await using guarded = await setUp(kind, 1_500);
      const deadline = performance.now() + 1_500;
      guarded.locker.signal("SIGSTOP");
      assert.ok(isAlive(guarded.command));
      await assertAllGone(guarded, 3_000);
      // Its clock has ticks of 10 ms, and time went by before we were told.
      assert.ok(performance.now() > deadline - 1_000);
    });

    it("finds the command by its marker when etcdlocker is killed before it could say who it is", async () => {
      await using guarded = await setUp(kind, 60_000, "unnamed");
      await guarded.locker.kill();
      await assertAllGone(guarded, 2_000);
    });

    it("finds the command by its marker when etcdlocker is stopped before it could say who it is", async () => {
      await using guarded = await setUp(kind, 1_000, "unnamed");
      guarded.locker.signal("SIGSTOP");
      const left = () => guarded.members.filter(isAlive);
      await eventually("the command is gone", left, (pids) => pids.length === 0, 3_000);
      assert.ok(isAlive(guarded.guardian), "it stays: another command might still be started");
      await guarded.locker.kill();
      await assertAllGone(guarded, 2_000);
    });

    it("lives through the signals that end others, in a session of its own", async () => {
      await using command = startProgram("sleep", ["1000"], { ownGroup: true });
      const guardian = await GuardianProcess.start(testHost, kind, undefined);
      const pid = guardian.pid ?? 0;
      assert.equal(listProcesses().find((entry) => entry.pid === pid)?.groupId, pid);
      for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGTSTP"] as const) {
        process.kill(pid, signal);
      }
      guardian.tell("spawning X=1");
      guardian.tell(`leader ${command.pid}`);
      guardian.tell(`deadline ${Math.floor(openBootClock().now() + 300)}`);
      assert.equal(await within(2_000, "it does its duty", guardian.ended), "killed-the-command");
    });

    it("does nothing to anybody when it is dismissed", async () => {
      await using command = startProgram("sleep", ["1000"], { ownGroup: true });
      const guardian = await GuardianProcess.start(testHost, kind, undefined);
      guardian.tell("spawning X=1");
      guardian.tell(`leader ${command.pid}`);
      await within(1_000, "the guardian is gone", guardian.dismiss());
      assert.ok(isAlive(command.pid));
    });

    it("says when it has killed the command, and when it died itself", async () => {
      await using command = startProgram("sleep", ["1000"], { ownGroup: true });
      const killer = await GuardianProcess.start(testHost, kind, undefined);
      killer.tell("spawning X=1");
      killer.tell(`leader ${command.pid}`);
      killer.tell(`deadline ${Math.floor(openBootClock().now())}`);
      assert.equal(await within(2_000, "it has killed", killer.ended), "killed-the-command");
      assert.equal((await command.end()).signal, "SIGKILL");

      const victim = await GuardianProcess.start(testHost, kind, undefined);
      process.kill(victim.pid ?? 0, "SIGKILL");
      assert.equal(await victim.ended, "died");
    });

    it("kills a command that is started when the deadline has passed already", async () => {
      const guardian = await GuardianProcess.start(testHost, kind, undefined);
      guardian.tell(`deadline ${Math.floor(openBootClock().now() - 1_000)}`);
      guardian.tell("spawning X=1");
      await using command = startProgram("sleep", ["1000"], { ownGroup: true });
      guardian.tell(`leader ${command.pid}`);
      assert.equal((await command.end()).signal, "SIGKILL");
      await guardian.ended;
    });

    it("keeps nothing of ours open, so that nobody who reads from us waits for it", {
      skip: noDescriptors,
    }, async () => {
      await using guarded = await setUp(kind, 60_000);
      const ours = [0, 1, 2].map((descriptor) => fileOf(guarded.locker.pid, descriptor));
      const theirs = await eventually(
        "it has closed its output",
        () => openFiles(guarded.guardian),
        () => !fileOf(guarded.guardian, 1).startsWith("socket"),
      );
      assert.deepEqual(
        theirs.filter((file) => ours.includes(file) && file !== "/dev/null"),
        [],
      );
    });
  });
}

/** What all descriptors of a process refer to. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((descriptor) => fileOf(pid, descriptor));
}

/** What a descriptor of a process refers to. */
function fileOf(pid: number, descriptor: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return "closed";
  }
}

describe("a guardian that cannot be started", () => {
  it("says how each kind of it failed", async () => {
    const host = { ...testHost, execPath: "/no/such/node", environment: { PATH: "/no/such/folder" } };
    const reporter = new Reporter(host, { isVerbose: false, isJson: false }, { names: [], id: "" });
    const { signal } = new AbortController();
    await assert.rejects(Guardian.start(host, reporter, openBootClock(), undefined, signal), (error) => {
      assert.ok(error instanceof GuardianStartError);
      for (const kind of kinds) assert.match(error.message, new RegExp(`${kind}: spawn .*ENOENT`));
      return true;
    });
  });
});
