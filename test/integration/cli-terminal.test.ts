import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { etcdlockerPath, startEtcdlocker, startInTerminal, terminalIsMissing } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import { descendantsOf, isAlive, listProcesses } from "../support/process-table.ts";
import { type Program, startProgram } from "../support/programs.ts";

const etcd = await startEtcdForCrashes();
const { endpoints } = etcd;

const control = { c: "\u0003", z: "\u001a" };

/** Types a key, or text. */
function type(terminal: Program, text: string): void {
  terminal.child.stdin?.write(text);
}

/** A shell script under a lock, with the terminal; it has said `ready`. */
async function setUp(script: string, pipedInto = ""): Promise<{ terminal: Program; name: string }> {
  const name = newName();
  // A shell that stays would end by Ctrl-C itself.
  const exec = pipedInto === "" ? "exec" : "";
  const command = `${exec} $ETCDLOCKER -k ${name} -- bash -c '${script}' ${pipedInto}`;
  const terminal = startInTerminal(endpoints, command);
  await terminal.line(/ready/);
  return { terminal, name };
}

/** The process of etcdlocker in the terminal. */
function lockerIn(terminal: Program): number {
  const family = descendantsOf(terminal.pid);
  const withChildren = listProcesses().filter(({ pid }) => family.includes(pid));
  const guardian = withChildren.find(({ pid, groupId, parentPid }) => pid === groupId && parentPid !== terminal.pid);
  return guardian?.parentPid ?? 0;
}

const erase = "\r\u001b[K";

const loop = "while :; do sleep 0.02; done";

describe("a command on a terminal", { skip: terminalIsMissing }, () => {
  it("can read what is typed", async () => {
    const { terminal } = await setUp('echo ready; read -p "name? " name; echo hello $name');
    type(terminal, "world\n");
    await terminal.line(/hello world/);
    assert.equal((await terminal.end()).code, 0);
  });

  it("gets a Ctrl-C once, from the terminal, and its own code is the end", async () => {
    const { terminal } = await setUp(`trap "echo caught; exit 9" INT; echo ready; ${loop}`);
    type(terminal, control.c);
    assert.equal((await terminal.end()).code, 9);
    assert.equal(terminal.stdout.split("caught").length, 2);
  });

  it("that does not catch Ctrl-C ends by it, with 130, and nothing is left in etcd", async () => {
    const { terminal, name } = await setUp("echo ready; sleep 1000");
    type(terminal, control.c);
    assert.equal((await terminal.end()).code, 130);
    assert.deepEqual(await listKeys(etcd, name), []);
  });

  it("is killed by a second Ctrl-C, also when it does not mind the first", async () => {
    const { terminal } = await setUp(`trap "echo no" INT; echo ready; ${loop}`);
    type(terminal, control.c);
    await terminal.line(/no/);
    await new Promise((resolve) => setTimeout(resolve, 150));
    type(terminal, control.c);
    assert.equal((await terminal.end()).code, 130);
  });

  it("is dead by the deadline when all is stopped with Ctrl-Z", async () => {
    // Job control: an interactive shell puts etcdlocker into a group of its own, and goes on when it is stopped.
    const name = newName();
    const terminal = startInTerminal(endpoints, "PS1='$ ' bash --norc --noprofile -i");
    type(terminal, `$ETCDLOCKER -t2 -k ${name} -- sh -c 'echo "rea""dy"; exec sleep 1000'\n`);
    await terminal.line(/^ready/);
    const command = listProcesses().filter(({ pid }) => descendantsOf(terminal.pid).includes(pid));
    const before = command.length;
    type(terminal, control.z);
    await terminal.line(/Stopped/);
    const left = () => descendantsOf(terminal.pid).filter(isAlive);
    // The shell and etcdlocker stay; the command and the guardian are gone.
    await eventually("the command is gone", left, (pids) => pids.length === before - 2, 5_000);
    type(terminal, "fg\n");
    await terminal.line(/Lost lock|could not be renewed/);
    type(terminal, "echo code $?; exit\n");
    await terminal.line(/^code 2/);
    await terminal.end();
  });

  it("dies with etcdlocker, and its neighbour in the pipeline does not", async () => {
    const { terminal } = await setUp(
      "sleep 1000 & timeout 1000 sleep 1000 & echo ready; wait",
      "| (cat; sleep 0.3; echo the neighbour lives)",
    );
    const locker = lockerIn(terminal);
    const command = descendantsOf(locker);
    assert.ok(command.length >= 4);
    process.kill(locker, "SIGKILL");
    await eventually(
      "the command is gone",
      () => command.filter(isAlive),
      (left) => left.length === 0,
    );
    await terminal.line(/the neighbour lives/);
    await terminal.end();
  });

  it("is ended by SIGTERM with what it started, and its neighbour in the pipeline is not", async () => {
    const { terminal } = await setUp(
      "sleep 1000 & timeout 1000 sleep 1000 & echo ready; wait",
      "| (cat; echo the neighbour lives)",
    );
    const locker = lockerIn(terminal);
    const command = descendantsOf(locker);
    process.kill(locker, "SIGTERM");
    await terminal.line(/the neighbour lives/);
    assert.deepEqual(command.filter(isAlive), []);
    await terminal.end();
  });

  it("is ended with the lock also when it makes a session of its own", async () => {
    const name = newName();
    const script = 'echo "ready $ETCDLOCKER_LEASE"; trap "" TERM; sleep 1000 & wait';
    const terminal = startInTerminal(
      endpoints,
      `exec $ETCDLOCKER -k ${name} --kill-after 0 -- setsid bash -c '${script}'`,
    );
    const { text } = await terminal.line(/^ready/);
    const command = descendantsOf(lockerIn(terminal));
    await etcd.etcdctl("del", "--", `${name}/${text.split(" ")[1]?.trim()}`);
    assert.equal((await terminal.end()).code, 2);
    assert.deepEqual(command.filter(isAlive), []);
  });

  it("may be an interactive shell, with jobs, which end with the lock", async () => {
    const name = newName();
    const terminal = startInTerminal(
      endpoints,
      `exec $ETCDLOCKER -k ${name} --kill-after 500ms -- bash --norc --noprofile -i`,
    );
    type(terminal, "sleep 1000 & sleep 1001 &\n");
    type(terminal, 'echo "jobs"ready $ETCDLOCKER_LEASE\n');
    const { text } = await terminal.line(/^jobsready [0-9a-f]+/);
    const command = descendantsOf(lockerIn(terminal));
    await etcd.etcdctl("del", "--", `${name}/${/ready ([0-9a-f]+)/.exec(text)?.[1]}`);
    await terminal.line(/Lost lock/);
    assert.equal((await terminal.end()).code, 2);
    assert.deepEqual(command.filter(isAlive), []);
  });
});

describe("etcdlocker in a pipeline", () => {
  it("lets it end when it has ended", async () => {
    const words = [process.execPath, etcdlockerPath, "-e", endpoints.join(","), "-k", newName(), "echo", "output"];
    const pipeline = startProgram("bash", ["-c", '"$0" "$@" 2>&1 | cat', ...words]);
    assert.equal((await pipeline.end()).code, 0);
    assert.equal(pipeline.stdout, "output\n");
  });
});

describe("waiting on a terminal", { skip: terminalIsMissing }, () => {
  it("shows one line that says for whom, since when and how many are ahead, and leaves nothing behind", async () => {
    const name = newName();
    const holder = startEtcdlocker(endpoints, [
      "-k",
      name,
      "-i",
      "web1\u001b[31m",
      "sh",
      "-c",
      "echo ready; read line",
    ]);
    await holder.line(/ready/);
    const terminal = startInTerminal(endpoints, `$ETCDLOCKER -k ${name} -- echo my turn`);
    let screen = "";
    terminal.child.stdout?.on("data", (chunk: Buffer) => {
      screen += chunk.toString().replaceAll(erase, "<erase>");
    });
    await eventually(
      "the line is shown",
      () => screen,
      (text) => /waiting 1 s, 1 ahead: web1.* since \d\d:\d\d:\d\d \(pid \d+/.test(text),
    );
    assert.ok(screen.includes("web1\\u{1b}[31m"), "what others wrote is harmless");
    holder.child.stdin?.end("\n");
    await terminal.line(/my turn/);
    assert.match(screen, /<erase>my turn/);
    assert.equal((await terminal.end()).code, 0);
  });
});
