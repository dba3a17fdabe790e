// At most three pages are fetched at a time, by all machines together: node worker-pool.mjs <page> ...

import { setTimeout as delay } from "node:timers/promises";
import { LockManager } from "etcd-lock";

const permits = 3;

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 30 });

// All workers of this process take their next page from here.
const pages = process.argv.slice(2).values();

try {
  // More workers would only wait for each other.
  await Promise.all(Array.from({ length: permits }, work));
} catch (error) {
  console.error(`No more pages are fetched: ${error.message}`);
  process.exitCode = 1;
} finally {
  await locks.close().catch(() => {});
}

async function work() {
  for (const page of pages) {
    await locks.withLock("/crawler", { permits }, (lock) => fetchPage(page, lock.signal));
  }
}

/** The work itself: the signal ends it when the lock is lost. */
async function fetchPage(page, signal) {
  console.log(`fetching ${page}`);
  await delay(50, undefined, { signal });
  console.log(`fetched ${page}`);
}
