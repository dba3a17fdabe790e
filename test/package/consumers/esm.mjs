import assert from "node:assert/strict";
import DefaultLock, * as everything from "etcd-lock";
import { EtcdLockError, Lock, LockLostError, LockManager, NotHeldError } from "etcd-lock";

assert.equal(DefaultLock, Lock);
for (const [name, value] of Object.entries(everything)) {
  if (name !== "default") assert.equal(Lock[name], value, `${name} hangs on the constructor`);
}
assert.ok(LockLostError.prototype instanceof EtcdLockError);
assert.match(import.meta.resolve("etcd-lock/package.json"), /^file:.*\/etcd-lock\/package\.json$/);

const endpoint = process.env.ENDPOINT;
const lock = new Lock([endpoint], "/package/esm", "esm", 10);
await lock.lock();
assert.equal(typeof lock.fencingToken, "bigint");
await lock.unlock();
await assert.rejects(lock.unlock(), NotHeldError);

const manager = new LockManager({ endpoints: [endpoint] });
const held = await manager.acquire("/package/esm");
assert.ok(held.held);
await held.release();
await manager.close();
console.log("done");
