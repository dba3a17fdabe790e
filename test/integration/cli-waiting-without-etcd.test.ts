import assert from "node:assert/strict";
import { it } from "node:test";
import { newName, startEtcdForCrashes } from "../support/etcd-for-commands.ts";
import { letGo, startEtcdlocker, startHolder } from "../support/etcdlocker.ts";
import { startProxy } from "../support/tcp-proxy.ts";

const { endpoints } = await startEtcdForCrashes();

it("an etcd that goes away during --wait is no conflict: it is said, and -E does not count", async () => {
  const name = newName();
  await using holder = await startHolder(endpoints, name);
  const proxy = await startProxy(endpoints[0] ?? "");
  await using waiter = startEtcdlocker([proxy.endpoint], ["-k", name, "-w", "2s", "-E", "0", "echo", "ran"]);
  await waiter.line(/ahead/);
  proxy.cut();
  assert.equal((await waiter.end()).code, 1);
  assert.equal(waiter.stdout, "");
  assert.match(waiter.stderr, /^etcdlocker: lock .* was not to be had within 2 s: etcd does not answer$/m);
  await proxy.close();
  await letGo(holder);
});
