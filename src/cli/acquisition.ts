import { setTimeout as delay } from "node:timers/promises";
import type { HeldLock, Line, LockManager, Waiting } from "../index.ts";
import { shorten } from "./escape.ts";
import type { Host } from "./host.ts";
import type { Job } from "./job.ts";
import type { Reporter } from "./reporter.ts";
import { UsageError } from "./usage-error.ts";
import { formatWaiting } from "./waiting-text.ts";

const statusIntervalMs = 1_000;

/** Others see the command in etcd; of a long one, its beginning is enough. In characters. */
const longestSummary = 400;

/**
 * Waits in line until the lock is held. On a terminal, a line tells meanwhile whom we wait for, and is gone afterwards.
 *
 * @throws UsageError when etcd could not take the key; what {@link LockManager.acquire} throws; the reason of `signal`
 * when it aborts.
 */
export async function acquireLock(
  manager: LockManager,
  job: Job,
  host: Host,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<HeldLock> {
  const over = new AbortController();
  const onWaiting = ({ key }: Waiting): void => {
    showWaiting(manager, job.key, key, host, reporter, over.signal).catch(() => undefined);
  };
  try {
    return await manager.acquire(job.key, { signal, onWaiting, metadata: { command: summarize(job) } });
  } catch (error) {
    // The only thing about the key that we don't check ourselves.
    if (error instanceof RangeError) throw new UsageError(`the ${error.message}`, { cause: error });
    throw error;
  } finally {
    over.abort();
    reporter.eraseStatus();
  }
}

function summarize({ command, args }: Job): string[] {
  const words: string[] = [];
  let left = longestSummary;
  for (const word of [command, ...args]) {
    if (left <= 0) break;
    words.push(shorten(word, left));
    left -= word.length + 1;
  }
  return words;
}

/** Ends by a rejection when `over` aborts. */
async function showWaiting(
  manager: LockManager,
  name: string,
  ownKey: string,
  host: Host,
  reporter: Reporter,
  over: AbortSignal,
): Promise<void> {
  const startedAt = host.now();
  const describe = async (): Promise<string> => {
    // Without an answer from etcd, we still say that we wait.
    const silence = delay(statusIntervalMs, undefined, { signal: over });
    const line: Line | undefined = await Promise.race([manager.inspect(name).catch(() => undefined), silence]);
    over.throwIfAborted();
    return formatWaiting(line, ownKey, host.now() - startedAt);
  };
  if (reporter.isVerbose) reporter.note(await describe());
  while (reporter.hasStatusLine) {
    reporter.showStatus(await describe());
    await delay(statusIntervalMs, undefined, { signal: over });
  }
}
