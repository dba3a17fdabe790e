import assert from "node:assert/strict";
import { Lock } from "etcd-lock";
import { startEtcd } from "etcd-lock/testing";

const cluster = await startEtcd();
const lock = new Lock(cluster.endpoints, "/package/testing", "testing", 10);
await lock.lock();
assert.ok(lock.held);
await lock.unlock();
await cluster.stop();
console.log("done");
