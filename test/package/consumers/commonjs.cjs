// A 1.x program as it was, but for the address; and the new names, which hang on the constructor.
const assert = require("node:assert/strict");
const Lock = require("etcd-lock");

const endpoint = process.env.ENDPOINT;
const lock = new Lock(endpoint, "/package/commonjs", "commonjs", 10);

async function main() {
  const locked = await new (require("etcd-lock"))(endpoint, "/package/inline", "inline", 10).lock();
  await locked.unlock();

  assert.equal(await lock.lock(), lock);
  assert.ok(lock instanceof Lock);
  await lock.unlock();
  await assert.rejects(lock.unlock(), (error) => {
    assert.ok(error instanceof Lock.NotHeldError);
    assert.ok(error instanceof Lock.EtcdLockError);
    return error instanceof Error;
  });

  const { LockLostError, LockManager, Lock: Named } = require("etcd-lock");
  assert.equal(Named, Lock);
  assert.equal(Lock.LockLostError.name, "LockLostError");
  assert.equal(LockLostError, Lock.LockLostError);
  const manager = new LockManager({ endpoints: endpoint });
  const held = await manager.acquire("/package/commonjs");
  assert.ok(held.held);
  await manager.close();

  // One class, however it was loaded: instanceof holds across both.
  const esm = await import("etcd-lock");
  assert.equal(esm.default, Lock);
  assert.equal(esm.LockLostError, LockLostError);
}

void main().then(() => console.log("done"));
