// A holder that was paused, and does not know that it has lost the lock, cannot write to the database any more.
//
// The database is PGlite, which is PostgreSQL inside this process. With the package `pg`, only the next lines differ.

import { PGlite } from "@electric-sql/pglite";
import { LockManager } from "etcd-lock";

const database = await PGlite.create();

await database.exec(`
  create table fences (name text primary key, token bigint not null);
  create table accounts (id text primary key, balance bigint not null);
  insert into accounts values ('savings', 100);
`);

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 30 });

try {
  const first = await locks.acquire("/accounts/savings");
  await deposit(first, 10);
  // Now it is paused, and another one gets the lock. That it gives the lock back stands for the time that passes.
  await first.release();

  const second = await locks.acquire("/accounts/savings");
  await deposit(second, 20);

  // The first one wakes, in the middle of its work.
  await deposit(first, 1_000).catch((error) => console.log(error.message));

  const { rows } = await database.query("select balance from accounts where id = 'savings'");
  console.log(`balance: ${rows[0].balance}`);
} finally {
  await locks.close();
  await database.close();
}

async function deposit(lock, amount) {
  await fencedTransaction(database, lock, (client) =>
    client.query("update accounts set balance = balance + $1 where id = 'savings'", [amount]),
  );
  console.log(`deposited ${amount}`);
}

/**
 * Runs `work` in a transaction that commits only if nobody with a later token has been here. The row of `fences` stays locked
 * until the end, so that a later holder waits for an earlier one that is about to commit.
 */
async function fencedTransaction(client, lock, work) {
  await client.query("begin");
  try {
    const { rowCount } = await client.query(
      `insert into fences (name, token) values ($1, $2)
       on conflict (name) do update set token = excluded.token where fences.token <= excluded.token`,
      [lock.name, lock.fencingToken],
    );
    if (rowCount === 0)
      throw new Error(`${lock.name} has had a later holder than the one with token ${lock.fencingToken}`);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    // If this fails too, the connection is gone, and the database rolls back by itself.
    await client.query("rollback").catch(() => {});
    throw error;
  }
}
