// Every instance of a service runs this before it starts. The first one brings the database up to date, while the others
// wait; then they find nothing left to do.

import { LockManager } from "etcd-lock";

const minute = 60_000;

const migrations = [
  { id: "001-create-orders", run: async () => console.log("creating the table of orders") },
  { id: "002-index-orders", run: async () => console.log("creating an index on orders") },
];

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 30 });

try {
  const count = await locks.withLock("/shop/migration", { timeout: 10 * minute }, migrate);
  console.log(count === 0 ? "the database was up to date" : `${count} migrations were made`);
} catch (error) {
  console.error(`The database is not up to date: ${error.message}`);
  process.exitCode = 1;
} finally {
  await locks.close().catch(() => {});
}

/** Makes what has not been made yet, and gives the number. */
async function migrate(lock) {
  let count = 0;
  for (const { id, run } of migrations) {
    // Not below the name of the lock: whatever is there is somebody in its line.
    const key = `/shop/migrated/${id}`;
    if (await exists(lock, key)) continue;
    // Pass on the signal, and a migration stops when the lock is lost.
    await run(lock.signal);
    // Writes only if the lock is held: should it be lost, this rejects, and nothing is noted.
    await lock.put(key, new Date().toISOString());
    count += 1;
  }
  return count;
}

async function exists(lock, key) {
  const isAbsent = { key, of: "create-revision", is: "equal", to: 0n };
  return (await lock.transact({ compare: [isAbsent], success: [] })) === undefined;
}
