import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { startEtcdlocker } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { descendantsOf } from "../support/process-table.ts";
import { startProxy } from "../support/tcp-proxy.ts";

const etcd = await startEtcdForCrashes();

const loop = "while :; do sleep 0.05; done";

/** Takes the lock away from the command that it is held for. */
async function takeAway(name: string): Promise<void> {
  await etcd.etcdctl("del", "--prefix", "--", `${name}/`);
}

/** `T` for a process that is stopped. */
function stateOf(pid: number): string {
  return spawnSync("ps", ["-o", "state=", "-p", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .slice(0, 1);
}

describe("a command whose lock is lost", { concurrency: true }, () => {
  it("is killed at once with --on-lost kill", async () => {
    const name = newName();
    const script = `trap 'echo got SIGTERM' TERM; echo ready; ${loop}`;
    await using locker = startEtcdlocker(etcd.endpoints, ["--on-lost=kill", "-k", name, "bash", "-c", script]);
    await locker.line(/ready/);
    await takeAway(name);
    assert.equal((await locker.end()).code, 2);
    assert.equal(locker.stdout, "ready\n");
  });

  it("gets the signal that it understands with --stop-signal", async () => {
    const name = newName();
    const script = `trap 'echo bye; exit 5' USR1; trap 'echo wrong' TERM; echo ready; ${loop}`;
    await using locker = startEtcdlocker(etcd.endpoints, ["--stop-signal", "USR1", "-k", name, "bash", "-c", script]);
    await locker.line(/ready/);
    await takeAway(name);
    assert.equal((await locker.end()).code, 2);
    assert.equal(locker.stdout, "ready\nbye\n");
  });

  it("leaves what it started to the same signal when it ends itself", async () => {
    const script = `(trap 'echo bye; exit' HUP; echo ready; ${loop}) & while ! read -t 0.05; do :; done`;
    await using locker = startEtcdlocker(etcd.endpoints, ["--stop-signal=HUP", "-k", newName(), "bash", "-c", script]);
    await locker.line(/ready/);
    locker.child.stdin?.end("\n");
    assert.equal((await locker.end()).code, 0);
    assert.equal(locker.stdout, "ready\nbye\n");
  });

  it("is paused while its lock is at risk, and goes on when the lock is safe again", async () => {
    await using proxy = await startProxy(etcd.endpoints[0] ?? "");
    const words = ["-t15", "-r1", "--kill-after=0", "--on-lost=pause", "-k", newName()];
    const script = "sleep 1000 & echo ready; read line; kill $!; exit 7";
    await using locker = startEtcdlocker([proxy.endpoint], [...words, "bash", "-c", script]);
    await locker.line(/ready/);
    const command = descendantsOf(locker.pid).filter((pid) => stateOf(pid) !== "Z");
    const states = () => command.map(stateOf);
    proxy.cut();
    await locker.line(/at risk.*the command is paused/);
    // All but the guardian, which is a session of its own.
    await eventually("it is paused", states, (all) => all.filter((state) => state === "T").length >= 2);
    await proxy.resume();
    await locker.line(/safe again; the command goes on/);
    await eventually("it goes on", states, (all) => !all.includes("T"));
    locker.child.stdin?.end("\n");
    assert.equal((await locker.end()).code, 7);
  });

  it("is ended, though it is paused, when its lock is lost", async () => {
    await using proxy = await startProxy(etcd.endpoints[0] ?? "");
    const words = ["-t5", "-r1", "--on-lost=pause", "-k", newName()];
    const script = `trap 'echo bye; exit' TERM; echo ready; ${loop}`;
    await using locker = startEtcdlocker([proxy.endpoint], [...words, "bash", "-c", script]);
    await locker.line(/ready/);
    proxy.cut();
    await locker.line(/at risk.*the command is paused/);
    assert.equal((await locker.end()).code, 2);
    assert.match(locker.stdout, /bye/);
  });
});
