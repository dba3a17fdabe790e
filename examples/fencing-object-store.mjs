// A holder that was paused, and does not know that it has lost the lock, cannot overwrite an object any more. All that the
// store needs are conditional writes: `If-Match` and `If-None-Match`, as S3, Google Cloud Storage and Azure have them.

import { LockManager } from "etcd-lock";
import { startObjectStore } from "./support/object-store.mjs";

const store = await startObjectStore();
const report = `${store.url}/reports/2024`;

const locks = new LockManager({ endpoints: process.env.ETCD_LOCK_HOST ?? "localhost:2379", ttl: 30 });

try {
  const first = await locks.acquire("/reports/2024");
  await append(first, "by the first");
  // Now it is paused, and another one gets the lock. That it gives the lock back stands for the time that passes.
  await first.release();

  const second = await locks.acquire("/reports/2024");
  await append(second, "by the second");

  // The first one wakes, in the middle of its work.
  await append(first, "by the first, late").catch((error) => console.log(error.message));

  const { text } = await read(report);
  console.log(`the report:\n${text}`);
} finally {
  await locks.close();
  await store.close();
}

async function append(lock, line) {
  await update(lock, report, (text) => `${text}- ${line}\n`);
}

/** Replaces the text of an object by what `change` makes of it. Rejects when a later holder has written the object. */
async function update(lock, url, change) {
  for (;;) {
    const { text, etag, token } = await read(url);
    if (token > lock.fencingToken) {
      throw new Error(`${lock.name} has had a later holder than the one with token ${lock.fencingToken}`);
    }
    const condition = etag === null ? { "if-none-match": "*" } : { "if-match": etag };
    const headers = { ...condition, "x-amz-meta-fencing-token": String(lock.fencingToken) };
    const { ok, status } = await request(url, { method: "PUT", headers, body: change(text) });
    if (ok) return;
    // 412: somebody has written since we read. Who?
    if (status !== 412) throw new Error(`PUT ${url} was answered with ${status}`);
  }
}

async function read(url) {
  const answer = await request(url);
  if (answer.status === 404) return { text: "", etag: null, token: 0n };
  if (!answer.ok) throw new Error(`GET ${url} was answered with ${answer.status}`);
  const token = BigInt(answer.headers.get("x-amz-meta-fencing-token") ?? 0);
  return { text: await answer.text(), etag: answer.headers.get("etag"), token };
}

async function request(url, options) {
  return await fetch(url, { ...options, signal: AbortSignal.timeout(5_000) });
}
