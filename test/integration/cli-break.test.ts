import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { startEtcdctlLock } from "../support/etcdctl-lock.ts";
import { runEtcdlocker, startEtcdlocker, startInTerminal, terminalIsMissing } from "../support/etcdlocker.ts";
import type { Program } from "../support/programs.ts";

const etcd = await startEtcdForCrashes();
const { endpoints } = etcd;

/** Somebody who has a lock, and the token. */
async function setUp(): Promise<{ name: string; holder: Program; token: string }> {
  const name = newName();
  const script = "echo token=$ETCDLOCKER_FENCING_TOKEN; exec sleep 1000";
  const holder = startEtcdlocker(endpoints, ["-k", name, "-i", "web1", "sh", "-c", script]);
  const { text } = await holder.line(/^token=\d+$/);
  return { name, holder, token: text.slice("token=".length) };
}

describe("breaking a lock from a script", { concurrency: true }, () => {
  it("takes it away from exactly the holder with the token, whose command is ended", async () => {
    const { name, holder, token } = await setUp();
    const other = await runEtcdlocker(endpoints, [
      "-k",
      name,
      "--break",
      "--yes",
      "--token",
      String(Number(token) + 1),
    ]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /nothing was done: there is no holder with the token/);
    const broken = await runEtcdlocker(endpoints, ["-k", name, "--break", "--yes", "--token", token]);
    assert.deepEqual([broken.code, broken.stdout], [0, ""]);
    assert.match(broken.stderr, /the lock was taken away/);
    assert.equal((await holder.end()).code, 2);
    assert.equal((await runEtcdlocker(endpoints, ["-k", name, "true"])).code, 0);
  });

  it("takes it away from another client too, by the token that the status shows", async () => {
    const name = newName();
    await using foreign = startEtcdctlLock(etcd, name);
    await foreign.held();
    const { stdout } = await runEtcdlocker(endpoints, ["-k", name, "--status", "--json"]);
    const token = JSON.parse(stdout).locks[0].entries[0].createRevision;
    assert.equal((await runEtcdlocker(endpoints, ["-k", name, "--break", "--yes", "--token", token])).code, 0);
    assert.equal((await runEtcdlocker(endpoints, ["-k", name, "true"])).code, 0);
  });

  it("is refused without a yes and a token: there is nobody to ask", async () => {
    const { name, holder, token } = await setUp();
    for (const words of [["--break"], ["--break", "--token", token]]) {
      const { code, stderr } = await runEtcdlocker(endpoints, ["-k", name, ...words]);
      assert.equal(code, 64);
      assert.match(stderr, /give --yes --token N/);
    }
    await holder.kill();
  });
});

describe("breaking a lock on a terminal", { concurrency: true, skip: terminalIsMissing }, () => {
  it("shows the holder, asks, and does it after a yes", async () => {
    const { name, holder, token } = await setUp();
    await using terminal = startInTerminal(endpoints, `exec $ETCDLOCKER -k ${name} --break; echo`);
    // The question is no line yet: what comes before it is.
    await terminal.line(/holding.*web1/);
    terminal.child.stdin?.write("y\n");
    await terminal.line(new RegExp(`Take the lock away from web1 on \\S+ \\(token ${token}\\)\\? \\[y/N\\]`));
    await terminal.line(/the lock was taken away/);
    assert.equal((await terminal.end()).code, 0);
    assert.equal((await holder.end()).code, 2);
  });

  it("does nothing after anything else", async () => {
    const { name, holder } = await setUp();
    await using terminal = startInTerminal(endpoints, `exec $ETCDLOCKER -k ${name} --break`);
    await terminal.line(/holding.*web1/);
    terminal.child.stdin?.write("\n");
    await terminal.line(/nothing was done/);
    assert.equal((await terminal.end()).code, 1);
    assert.equal(holder.child.exitCode, null);
    await holder.kill();
  });

  it("does nothing when nobody holds it", async () => {
    await using terminal = startInTerminal(endpoints, `exec $ETCDLOCKER -k ${newName()} --break`);
    await terminal.line(/nothing was done: nobody holds the lock/);
    assert.equal((await terminal.end()).code, 1);
  });
});
