import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { runEtcdlocker, startEtcdlocker, startHolder } from "../support/etcdlocker.ts";
import { eventually } from "../support/eventually.ts";
import { listKeys } from "../support/leftovers.ts";

const etcd = await startEtcdForCrashes();
const { endpoints } = etcd;

/** A lock whose holder was killed: its lease has ended, and only what says that it may still be inside is left. */
async function setUp(...words: readonly string[]): Promise<string> {
  const name = newName();
  const holder = await startHolder(endpoints, name, "-t3", ...words);
  await holder.kill();
  await eventually(
    "the lease has ended",
    () => listKeys(etcd, `${name}/`),
    (keys) => keys.length === 0,
    10_000,
  );
  return name;
}

const isWaiting =
  /^etcdlocker: the last holder \(web1, pid \d+\) died or was cut off: waiting up to 5.3 s until it has surely stopped$/m;

describe("a lock whose holder was killed", { concurrency: true }, () => {
  it("is waited for with --no-wait too, since nobody else does the job, and that is said", async () => {
    const name = await setUp();
    const startedAt = performance.now();
    const run = await runEtcdlocker(endpoints, ["-k", name, "--no-wait", "-E0", "echo", "ran"]);
    assert.deepEqual({ code: run.code, stdout: run.stdout }, { code: 0, stdout: "ran\n" });
    assert.match(run.stderr, isWaiting);
    assert.equal(run.stderr.split("\n").length, 2);
    assert.ok(performance.now() - startedAt > 3_300, "it was outlived");
  });

  it("is skipped at once by whoever comes when somebody waits for it already", async () => {
    const name = await setUp();
    await using first = startEtcdlocker(endpoints, ["-k", name, "-i", "web2", "--no-wait", "-E9", "echo", "ran"]);
    await first.line(isWaiting);
    await eventually(
      "it is in line",
      () => listKeys(etcd, `${name}/`),
      (keys) => keys.length === 1,
    );
    const second = await runEtcdlocker(endpoints, ["-k", name, "--no-wait", "-E9", "true"]);
    assert.equal(second.code, 9);
    assert.match(second.stderr, /^etcdlocker: the lock is wanted by web2 since /);
    assert.equal((await first.end()).code, 0);
    assert.equal(first.stdout, "ran\n");
  });

  it("is given to the first of several that come at the same time, and skipped by the others", async () => {
    const name = await setUp();
    const words = ["-k", name, "--no-wait", "-E9", "sh", "-c", "echo ran; sleep 5"];
    const runs = await Promise.all(Array.from({ length: 3 }, () => runEtcdlocker(endpoints, words)));
    assert.deepEqual(runs.map(({ code }) => code).sort(), [0, 9, 9]);
  });

  it("is reported when --wait was too short for it, with -E 0 too", async () => {
    const name = await setUp();
    const run = await runEtcdlocker(endpoints, ["-k", name, "-w", "200ms", "-E0", "echo", "ran"]);
    assert.deepEqual({ code: run.code, stdout: run.stdout }, { code: 0, stdout: "" });
    assert.match(
      run.stderr,
      /^etcdlocker: the lock was not to be had within 200 ms: the last holder \(web1, pid \d+\) died or was cut off; a wait of 5\.3 s is enough$/m,
    );
  });

  it("is skipped when another of the locks is held by somebody who lives", async () => {
    const [name, other] = [await setUp(), newName()];
    await using _holder = await startHolder(endpoints, other, "-i", "web2");
    const words = ["-k", name, "-k", other, "--no-wait", "-E9", "true"];
    const { code, stderr } = await runEtcdlocker(endpoints, words);
    assert.equal(code, 9);
    assert.match(stderr, new RegExp(`^etcdlocker: the lock ${other} is held by web2 since `));
  });
});
