import Lock = require("etcd-lock");

import DefaultLock, {
  type LineEntry,
  type LockLostError,
  LockManager,
  Lock as NamedLock,
  NotHeldError,
} from "etcd-lock";

const endpoint: string = process.env.ENDPOINT ?? "";

/** Both the value and the type, under each of the names. */
function explain(lock: Lock | NamedLock, error: Lock.LockLostError | LockLostError): string {
  const { key, index, reason }: { key: string; index: number; reason: Lock.LossReason } = error;
  return `${key} ${index} ${reason} ${lock.held}`;
}

async function main(): Promise<void> {
  const lock: Lock = new Lock(endpoint, "/package/typescript-commonjs", "typescript", 10);
  lock.on("error", (error: Error) => {
    if (error instanceof Lock.LockLostError) console.error(explain(lock, error));
  });
  const locked: Lock = await lock.lock({ timeout: 5_000 });
  const token: bigint | undefined = locked.fencingToken;
  await lock.unlock();
  try {
    await lock.unlock();
  } catch (error) {
    if (!(error instanceof NotHeldError && error instanceof Lock.EtcdLockError)) throw error;
  }
  const manager: Lock.LockManager = new LockManager({ endpoints: endpoint });
  const held: Lock.HeldLock = await manager.acquire("/package/typescript-commonjs");
  const entries: readonly LineEntry[] = (await manager.inspect(held.name)).entries;
  await manager.close();
  if (token === undefined || entries.length !== 1 || DefaultLock !== Lock || NamedLock !== Lock) {
    throw new Error("not as it should be");
  }
}

void main().then(() => console.log("done"));
