// One instance of a service leads, and all of them know which: node leader.mjs <name of this instance>

import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError, LockManager } from "etcd-lock";

const election = "/shop/scheduler";
const self = process.argv[2] ?? `${hostname()}-${process.pid}`;

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 10, id: self });

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());

try {
  await Promise.all([stand(), follow()]);
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(`${self} gives up: ${error.message}`);
    process.exitCode = 1;
  }
} finally {
  await locks.close().catch(() => {});
}

/** Stands for election, again and again. */
async function stand() {
  for (;;) {
    try {
      const leadership = await locks.elect(election, { value: self, signal: stopping.signal });
      await lead(AbortSignal.any([leadership.signal, stopping.signal]));
      await leadership.resign();
    } catch (error) {
      // Without etcd there are no elections. It has been tried for ten seconds (`connectTimeout`): go on.
      if (!(error instanceof EtcdUnavailableError)) throw error;
      console.error(`${self}: ${error.message}`);
    }
  }
}

/** What the leader does, until it leads no more. */
async function lead(signal) {
  console.log(`${self} leads`);
  while (!signal.aborted) {
    // ... start the jobs that are due ...
    await delay(1_000, undefined, { signal }).catch(() => {});
  }
  console.log(`${self} leads no more`);
}

/** What everybody knows. */
async function follow() {
  for await (const leader of locks.observe(election, { signal: stopping.signal })) {
    console.log(leader === null ? `${self} sees no leader` : `${self} follows ${leader.value}`);
  }
}
