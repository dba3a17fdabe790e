import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import { newName, startEtcdForFile } from "../support/etcd-for-commands.ts";
import { startEtcdlocker } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";
import { descendantsOf, isAlive } from "../support/process-table.ts";
import type { Program } from "../support/programs.ts";

const etcd = await startEtcdForFile();
const { endpoints } = etcd;

const ending = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"] as const;

/** A shell script under a lock, which has said `ready`. */
async function setUp(script: string, ...options: string[]): Promise<{ locker: Program; name: string }> {
  const name = newName();
  const locker = startEtcdlocker(endpoints, ["-k", name, ...options, "bash", "-c", script]);
  await locker.line(/^ready$/);
  return { locker, name };
}

/** Somebody who waits behind a holder. */
async function setUpWaiter(): Promise<{ holder: Program; waiter: Program; name: string }> {
  const { locker: holder, name } = await setUp("echo ready; sleep 1000");
  const waiter = startEtcdlocker(endpoints, ["-v", "-k", name, "echo", "never"]);
  await waiter.line(/ waiting, \d+ ahead/);
  return { holder, waiter, name };
}

async function end(locker: Program): Promise<void> {
  locker.signal("SIGTERM");
  await locker.end();
}

const loop = "while :; do sleep 0.02; done";

describe("a signal while the command runs", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) {
    it(`is passed on: ${signal} ends the command, and then etcdlocker, with 128 + N`, async () => {
      const { locker, name } = await setUp(`trap 'echo got ${signal}; exit 3' ${signal}; echo ready; ${loop}`);
      locker.signal(signal);
      const { code } = await locker.end();
      assert.equal(code, 128 + constants.signals[signal]);
      assert.match(locker.stdout, new RegExp(`got ${signal}`));
      assert.deepEqual(await listKeys(etcd, name), []);
    });
  }

  it("is passed on: SIGUSR1 and SIGUSR2, and the code is the command's own", async () => {
    const { locker } = await setUp(`trap 'echo one' USR1; trap 'echo two; exit 4' USR2; echo ready; ${loop}`);
    for (let count = 0; count < 3; count++) locker.signal("SIGUSR1");
    await locker.line(/one/);
    locker.signal("SIGUSR2");
    assert.equal((await locker.end()).code, 4);
    assert.match(locker.stdout, /two/);
  });

  it("is passed on: SIGHUP, however often, to a daemon that reloads, and the code is the daemon's own", async () => {
    const { locker, name } = await setUp(`trap 'echo reload $((++n)); [ $n != 3 ] || exit 7' HUP; echo ready; ${loop}`);
    for (let count = 1; count <= 3; count++) {
      locker.signal("SIGHUP");
      await locker.line(new RegExp(`reload ${count}`));
      // Two within a moment are one.
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    assert.equal((await locker.end()).code, 7);
    assert.deepEqual(await listKeys(etcd, name), []);
  });

  it("is passed on: SIGHUP ends a command that does not mind it, with 129", async () => {
    const { locker, name } = await setUp("sleep 1000 & echo ready; wait");
    locker.signal("SIGHUP");
    assert.equal((await locker.end()).code, 129);
    assert.deepEqual(await listKeys(etcd, name), []);
  });

  it("reaches the descendants of the command", async () => {
    const { locker } = await setUp(
      `bash -c "trap 'echo grandchild; exit' USR1; echo ready; ${loop}" & trap : USR1; ${loop}`,
    );
    locker.signal("SIGUSR1");
    await locker.line(/grandchild/);
    await end(locker);
  });

  it("does not end etcdlocker before the command", async () => {
    const { locker, name } = await setUp(`trap 'sleep 0.5; echo tidied up; exit' TERM; echo ready; ${loop}`);
    locker.signal("SIGTERM");
    await eventually(
      "the lock is kept",
      () => listKeys(etcd, name),
      (keys) => keys.length === 2,
    );
    assert.equal((await locker.end()).code, 143);
    assert.match(locker.stdout, /tidied up/);
  });

  it("hurries when it is repeated: SIGKILL for all", async () => {
    const { locker } = await setUp(`trap 'echo no' TERM; echo $$; echo ready; ${loop}`);
    const pids = descendantsOf(locker.pid);
    locker.signal("SIGTERM");
    await locker.line(/^no$/);
    // Two within a moment are one, as from timeout(1).
    await new Promise((resolve) => setTimeout(resolve, 150));
    locker.signal("SIGTERM");
    assert.equal((await locker.end()).code, 143);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it("is one signal when timeout(1) sends it twice", async () => {
    const { locker } = await setUp(`trap 'sleep 0.3; echo tidied up; exit' TERM; echo ready; ${loop}`);
    locker.signal("SIGTERM");
    locker.signal("SIGTERM");
    await locker.end();
    assert.match(locker.stdout, /tidied up/);
  });
});

describe("a signal while etcdlocker waits for the lock", () => {
  for (const signal of [...ending, "SIGUSR1", "SIGUSR2"] as const) {
    it(`ends it at once, with nothing left in line: ${signal}`, async () => {
      const { holder, waiter, name } = await setUpWaiter();
      waiter.signal(signal);
      const { code } = await waiter.end();
      assert.equal(code, 128 + constants.signals[signal]);
      assert.equal(waiter.stdout, "");
      assert.equal((await listKeys(etcd, `${name}/`)).length, 1);
      await end(holder);
    });
  }
});

describe("what a command leaves running", () => {
  it("is ended before the lock is given back", async () => {
    const { locker } = await setUp("sleep 1000 & echo $!; timeout 1000 sleep 1000 & echo ready; exit 6");
    const sleeper = Number((await locker.line(/^\d+$/)).text);
    assert.equal((await locker.end()).code, 6);
    assert.equal(isAlive(sleeper), false);
  });

  it("has time to tidy up", async () => {
    const child = `trap 'sleep 0.2; echo tidied up; exit' TERM; echo ready; ${loop}`;
    const { locker } = await setUp(`bash -c "${child}" & sleep 0.3; exit 6`);
    assert.equal((await locker.end()).code, 6);
    assert.match(locker.stdout, /tidied up/);
  });

  it("is killed when it does not mind SIGTERM", async () => {
    const { locker } = await setUp(
      `bash -c "trap '' TERM; echo $BASHPID; echo ready; ${loop}" & sleep 0.3; exit 6`,
      "--kill-after",
      "0.2",
    );
    assert.equal((await locker.end()).code, 6);
  });

  it("goes on when it is to be left", async () => {
    const { locker, name } = await setUp("sleep 1000 > /dev/null & echo $!; echo ready; exit 6", "--leave-descendants");
    const sleeper = Number((await locker.line(/^\d+$/)).text);
    assert.equal((await locker.end()).code, 6);
    assert.ok(isAlive(sleeper));
    process.kill(sleeper, "SIGKILL");
    assert.deepEqual(await listKeys(etcd, name), []);
  });
});
