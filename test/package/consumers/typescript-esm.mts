import DefaultLock, {
  EtcdLockError,
  type EtcdOptions,
  type HeldLock,
  type LineEntry,
  Lock,
  LockLostError,
  LockManager,
  type LossReason,
  NotHeldError,
} from "etcd-lock";
import { type EtcdCluster, startEtcd } from "etcd-lock/testing";

const options: EtcdOptions = { endpoints: process.env.ENDPOINT ?? "" };

function explain(error: LockLostError): string {
  const reason: LossReason = error.reason;
  return `${error.key} ${error.index} ${reason}`;
}

const lock: Lock = new DefaultLock(options, "/package/typescript-esm", "typescript", 10);
lock.on("error", (error: Error) => {
  if (error instanceof LockLostError) console.error(explain(error));
});
const locked: Lock = await lock.lock({ timeout: 5_000 });
const token: bigint | undefined = locked.fencingToken;
await lock.unlock();
try {
  await lock.unlock();
} catch (error) {
  if (!(error instanceof NotHeldError && error instanceof EtcdLockError && error instanceof Lock.NotHeldError))
    throw error;
}

const manager: LockManager = new LockManager({ endpoints: options.endpoints });
const held: HeldLock = await manager.acquire("/package/typescript-esm");
const entries: readonly LineEntry[] = (await manager.inspect(held.name)).entries;
await manager.close();
const start: () => Promise<EtcdCluster> = startEtcd;
if (token === undefined || entries.length !== 1 || typeof start !== "function") throw new Error("not as it should be");
console.log("done");
