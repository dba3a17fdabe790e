import type { AcquireOptions } from "../acquire-options.ts";
import type { HeldLock } from "../held-lock.ts";
import type { Line, LineEntry } from "../line/inspect-line.ts";
import { notSupportedError } from "./dom-exception.ts";

/** What of a `LockManager` it takes to steal a lock. */
export interface LockBreaker {
  acquire(name: string, options: AcquireOptions): Promise<HeldLock>;
  inspect(name: string): Promise<Line>;
  breakLock(name: string, options: { readonly fencingToken: bigint }): Promise<boolean>;
}

/**
 * Enters the line of `name`, and takes the lock away from those who hold it then: exactly them, who are told. It is
 * granted when they have stopped, or have been outlived, and when it has been the turn of those who waited already.
 *
 * @throws `DOMException` with the name `NotSupportedError` when the holder is foreign, and so could not be told; as
 * `LockManager.acquire` and `breakLock`. The line has been left then.
 */
export async function stealLock(locks: LockBreaker, name: string, onEntered: () => void): Promise<HeldLock> {
  const failure = new AbortController();
  return await locks.acquire(name, {
    signal: failure.signal,
    onWaiting: ({ key }) => {
      onEntered();
      breakHolders(locks, name, key).catch((error: unknown) => failure.abort(error));
    },
  });
}

/** Nobody who enters behind `ownKey` can hold before us, so that those who are not in line yet are none of our business. */
async function breakHolders(locks: LockBreaker, name: string, ownKey: string): Promise<void> {
  const { entries } = await locks.inspect(name);
  const ahead = entries.slice(0, Math.max(0, indexOfKey(entries, ownKey)));
  const holders = ahead.filter(({ state }) => state === "holding");
  const foreign = holders.find((holder) => holder.foreign);
  if (foreign !== undefined) throw notSupportedError(explainForeign(name, foreign));
  await Promise.all(
    holders.map(({ fencingToken, createRevision }) =>
      locks.breakLock(name, { fencingToken: fencingToken ?? createRevision }),
    ),
  );
}

function indexOfKey(entries: readonly LineEntry[], ownKey: string): number {
  return entries.findIndex(({ key }) => key === ownKey);
}

function explainForeign(name: string, { key, createRevision }: LineEntry): string {
  return (
    `lock ${JSON.stringify(name)} cannot be stolen: its holder, ${key}, is not one of etcd-lock's, and would not notice. ` +
    `End that program, or break its lock by breakLock() with the fencing token ${createRevision}n`
  );
}
