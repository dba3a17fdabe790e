// Cron starts this on every machine at the same minute, and one of them does the work:
//
//   */15 * * * *  node /srv/jobs/cron-job.mjs

import { LockManager } from "etcd-lock";

const minute = 60_000;

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 30 });

try {
  // A machine whose clock is late by less than five minutes still finds the lock taken, however short the work was.
  const lock = await locks.tryAcquire("/cron/send-invoices", { atLeast: 5 * minute });
  if (lock === null) {
    console.log("another machine sends the invoices");
  } else {
    await sendInvoices(lock.signal);
    await lock.release();
  }
} catch (error) {
  console.error(`The invoices were not all sent: ${error.message}`);
  process.exitCode = 1;
} finally {
  // Gives the lock back, too, if it is still held. What cannot be given back now ends with its lease.
  await locks.close().catch(() => {});
}

/** The work itself; it stops when the lock is lost. */
async function sendInvoices(signal) {
  for (const customer of ["Ada", "Grace", "Hedy"]) {
    signal.throwIfAborted();
    console.log(`invoice for ${customer} sent`);
  }
}
