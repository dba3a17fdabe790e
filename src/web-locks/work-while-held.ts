import { onAbort } from "../abort.ts";
import { LockLostError } from "../errors.ts";
import type { HeldLock } from "../held-lock.ts";
import { workAndRelease } from "../work-and-release.ts";
import { abortError } from "./dom-exception.ts";

/**
 * Runs `work` while `lock` is held, gives the lock back when what it returns has settled, and settles as that does.
 *
 * When the lock is lost, it rejects at once, while `work` may still be running: with an `AbortError` when somebody took
 * the lock away, with the `LockLostError` itself when it ran out. Rejects as {@link HeldLock.release} when `work` did not
 * fail.
 */
export function workWhileHeld<T>(lock: HeldLock, work: (lock: HeldLock) => T): Promise<Awaited<T>> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(lock.signal, (loss) => reject(asStandardError(loss)));
    workAndRelease(lock, work).then(resolve, reject).finally(stopListening);
  });
}

/** Code for `navigator.locks` knows one way to lose a lock: to have it stolen. */
function asStandardError(loss: unknown): unknown {
  const wasTakenAway = loss instanceof LockLostError && loss.reason === "entry-deleted";
  return wasTakenAway ? abortError(`Lock ${JSON.stringify(loss.key)} was taken away: ${loss.message}`, loss) : loss;
}
