// Bundled into one file, in both module formats; nothing of the package may be looked for beside it.
import Lock, { LockManager, NotHeldError } from "etcd-lock";

async function main(): Promise<void> {
  const endpoints = process.env.ENDPOINT ?? "";
  const lock = new Lock(endpoints, "/package/bundled", "bundled", 10);
  await lock.lock();
  await lock.unlock();
  const error = await lock.unlock().catch((reason: unknown) => reason);
  if (!(error instanceof NotHeldError)) throw new Error("not as it should be");
  const manager = new LockManager({ endpoints });
  await manager.acquire("/package/bundled");
  await manager.close();
}

void main().then(() => console.log("done"));
