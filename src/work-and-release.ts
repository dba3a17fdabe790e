import type { HeldLock } from "./held-lock.ts";

/**
 * Runs `work` while `lock` is held, gives the lock back, and settles as `work` does; with the `LockLostError` when the
 * lock was lost meanwhile, even if `work` resolved. Rejects as {@link HeldLock.release} when `work` did not fail.
 */
export async function workAndRelease<T>(lock: HeldLock, work: (lock: HeldLock) => T): Promise<Awaited<T>> {
  let result: Awaited<T>;
  try {
    result = await work(lock);
  } catch (error) {
    // What went wrong in there matters more than what may go wrong now.
    await lock.release().catch(() => {});
    throw error;
  }
  const wasHeld = await lock.release();
  if (!wasHeld) lock.signal.throwIfAborted();
  return result;
}
