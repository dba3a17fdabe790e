import type { TryAcquireOptions, Waiting } from "../index.ts";
import type { CommandLocks, CommandManager } from "./command-manager.ts";
import { messageOf } from "./error-message.ts";
import { shorten } from "./escape.ts";
import type { Host } from "./host.ts";
import type { Job } from "./job.ts";
import type { Reporter } from "./reporter.ts";
import { UsageError } from "./usage-error.ts";
import { WaitingReport } from "./waiting-report.ts";

/** Others see the command in etcd; of a long one, its beginning is enough. In characters. */
const longestSummary = 400;

/** How long etcd may be out of reach at first, in milliseconds: as long as we wait, within these bounds. */
const [leastConnectTimeoutMs, mostConnectTimeoutMs] = [5_000, 10_000];

/** Somebody else has the lock, and we were not to wait any longer. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/**
 * Waits in line, as long as the job says, until all its locks are held. Meanwhile it tells whom we wait for.
 *
 * @throws ConflictError; UsageError when etcd could not take a name; what `LockManager.acquireAll` throws; the reason
 * of `signal` when it aborts.
 */
export async function acquireLocks(
  manager: CommandManager,
  job: Job,
  host: Host,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<CommandLocks> {
  const { names, mode, permits, atLeastMs, waitMs } = job.lock;
  const report = new WaitingReport(manager, host, reporter, names);
  const options: TryAcquireOptions = {
    signal,
    mode,
    ...(mode === "exclusive" && { permits }),
    atLeast: atLeastMs,
    connectTimeout: Math.max(leastConnectTimeoutMs, Math.min(waitMs ?? mostConnectTimeoutMs, mostConnectTimeoutMs)),
    metadata: { command: summarize(job) },
  };
  try {
    if (waitMs !== 0) {
      const onWaiting = (waiting: Waiting): void => report.add(waiting);
      return await manager.acquireAll(names, { ...options, timeout: waitMs, onWaiting });
    }
    const locks = await manager.tryAcquireAll(names, options);
    if (locks !== null) return locks;
    throw new ConflictError(await report.explainConflict(names));
  } catch (error) {
    // The only thing about a name that we don't check ourselves.
    if (error instanceof RangeError) throw new UsageError(`a key is refused: ${error.message}`, { cause: error });
    if (isTimeout(error)) throw new ConflictError(messageOf(error), { cause: error });
    throw error;
  } finally {
    report.end();
  }
}

/** The library is loaded late: its classes are not at hand here. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "LOCK_TIMEOUT";
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
