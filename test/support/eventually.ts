import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";

const intervalMs = 25;

/** Limits say how long it may take on a machine with nothing else to do; one that is busy is given so many times that. */
const patience = 4;

/**
 * Reads again and again until `isSo` is true of what was read, and resolves to that. Rejects when it takes far longer
 * than `limitMs`, saying `what` was awaited and what was seen last, and at once when reading fails.
 */
export async function eventually<Seen>(
  what: string,
  read: () => Seen | Promise<Seen>,
  isSo: (seen: Seen) => boolean,
  limitMs = 5_000,
): Promise<Seen> {
  const deadline = performance.now() + limitMs * patience;
  for (;;) {
    const seen = await read();
    if (isSo(seen)) return seen;
    if (performance.now() > deadline) {
      throw new Error(`Not so within ${limitMs * patience} ms: ${what}. Seen last: ${inspect(seen, { depth: 5 })}`);
    }
    await delay(intervalMs);
  }
}

/** Resolves like `promise`, or rejects, saying `what` was awaited, when it takes far longer than `limitMs`. */
export async function within<Value>(limitMs: number, what: string, promise: Promise<Value>): Promise<Value> {
  const given = new AbortController();
  const limit = delay(limitMs * patience, undefined, { signal: given.signal }).then(() => {
    throw new Error(`Not within ${limitMs * patience} ms: ${what}`);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    limit.catch(() => undefined);
    given.abort();
  }
}

/** Resolves when `work` does, which is begun again each time it rejects. Rejects after `limitMs`. */
export async function untilSuccess(what: string, work: () => Promise<unknown>, limitMs?: number): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch {
      return false;
    }
  };
  await eventually(what, isDone, (done) => done, limitMs);
}
