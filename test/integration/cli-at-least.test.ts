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

  it("does not keep etcdlocker itself, and is free for others afterwards", async () => {
    const words = ["-k", newName(), "--at-least", "3s", "--", "sh", "-c", "date +%s%3N"];
    const first = await runEtcdlocker(endpoints, words);
    const endedAt = Date.now();
    assert.ok(endedAt - Number(first.stdout) < 3_000, "the first is gone before its time is over");
    const second = await runEtcdlocker(endpoints, words);
    assert.ok(Number(second.stdout) - Number(first.stdout) >= 2_500, "the second has waited");
  });
});
