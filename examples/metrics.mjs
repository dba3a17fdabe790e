// A service with locks, and with a page of metrics for Prometheus.

import { once } from "node:events";
import { createServer } from "node:http";
import { LockManager } from "etcd-lock";
import { collectLockMetrics } from "./lock-metrics.mjs";

const metrics = collectLockMetrics();

const server = createServer((_request, response) => {
  response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(metrics.text());
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1");
await once(server, "listening");

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 30 });

try {
  // The service, for a short time: one lock is held, and wanted by somebody else who does not wait long.
  const lock = await locks.acquire("/billing/run");
  await locks.acquire("/billing/run", { timeout: 100 }).catch((error) => console.error(error.message));
  await lock.release();

  // What Prometheus does.
  const page = await fetch(`http://127.0.0.1:${server.address().port}/metrics`);
  console.log(await page.text());
} finally {
  await locks.close();
  server.closeAllConnections();
  server.close();
}
