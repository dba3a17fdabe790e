import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { runEtcdlocker } from "../support/etcdlocker.ts";

const { endpoints } = await startEtcdForCrashes();

describe("a lock that is kept for some time at least", { concurrency: true }, () => {
  it("makes a host with a late clock skip the job, in silence", async () => {
    const words = ["-k", newName(), "--no-wait", "-E", "0", "--at-least", "60s", "--", "echo", "the job ran"];
    assert.deepEqual(await runEtcdlocker(endpoints, words), { code: 0, stdout: "the job ran\n", stderr: "" });
    assert.deepEqual(await runEtcdlocker(endpoints, words), { code: 0, stdout: "", stderr: "" });
  });

  it("is free for others afterwards", async () => {
    const words = ["-k", newName(), "--at-least", "3s", "--", process.execPath, "-p", "Date.now()"];
    const startedAt = Date.now();
    await runEtcdlocker(endpoints, words);
    const second = await runEtcdlocker(endpoints, words);
    assert.equal(second.code, 0);
    assert.ok(Number(second.stdout) - startedAt >= 2_900, "the second has waited");
  });
});
