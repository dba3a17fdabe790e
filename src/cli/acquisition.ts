import { formatDurationMs } from "../duration.ts";
import type { TryAcquireOptions, Waiting } from "../index.ts";
import type { CommandLocks, CommandManager } from "./command-manager.ts";
import { ConflictError } from "./conflict-error.ts";
import { type DeadHolders, deadHolders, firstAlive, outliveMs } from "./dead-holder.ts";
import { messageOf } from "./error-message.ts";
import { shorten } from "./escape.ts";
import type { Host } from "./host.ts";
import type { Job } from "./job.ts";
import { firstTaken, PlaceFinder } from "./place.ts";
import type { Reporter } from "./reporter.ts";
import { UsageError } from "./usage-error.ts";
import { WaitingReport } from "./waiting-report.ts";
import { formatConflict, formatDead } from "./waiting-text.ts";

/** Others see the command in etcd; of a long one, its beginning is enough. In characters. */
const longestSummary = 400;

/** How long etcd may be out of reach at first, in milliseconds: as long as we wait, within these bounds. */
const [leastConnectTimeoutMs, mostConnectTimeoutMs] = [5_000, 10_000];

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
  return await new Acquisition(manager, job, host, reporter, signal).untilHeld();
}

/** One try to get the locks of a job. */
class Acquisition {
  readonly #manager: CommandManager;
  readonly #job: Job;
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  readonly #places: PlaceFinder;
  readonly #report: WaitingReport;

  constructor(manager: CommandManager, job: Job, host: Host, reporter: Reporter, signal: AbortSignal) {
    this.#manager = manager;
    this.#job = job;
    this.#reporter = reporter;
    this.#signal = signal;
    this.#places = new PlaceFinder(manager, job.lock.names);
    this.#report = new WaitingReport(this.#places, host, reporter);
  }

  async untilHeld(): Promise<CommandLocks> {
    try {
      return this.#job.lock.waitMs === 0 ? await this.#takeNow() : await this.#wait(this.#job.lock.waitMs);
    } catch (error) {
      // The only thing about a name that we don't check ourselves.
      if (error instanceof RangeError) throw new UsageError(`a key is refused: ${error.message}`, { cause: error });
      throw error;
    } finally {
      this.#report.end();
    }
  }

  async #wait(timeout: number | undefined): Promise<CommandLocks> {
    return await this.#acquire(timeout, this.#signal, (waiting) => this.#report.add(waiting));
  }

  async #takeNow(): Promise<CommandLocks> {
    const { names } = this.#job.lock;
    const locks = await this.#manager.tryAcquireAll(names, { ...this.#options(), signal: this.#signal });
    if (locks !== null) return locks;
    const places = await this.#places.findOutside();
    const dead = deadHolders(places);
    if (dead === undefined) throw new ConflictError(formatConflict(firstAlive(places) ?? firstTaken(places)));
    return await this.#outlive(dead);
  }

  /** Nobody does the job, but who had it may not know yet that it is dead. */
  async #outlive(holders: DeadHolders): Promise<CommandLocks> {
    const limitMs = outliveMs(holders);
    this.#reporter.tell(
      `${formatDead(holders[0])}: waiting up to ${formatDurationMs(limitMs)} until it has surely stopped`,
    );
    const overtaken = new AbortController();
    const signal = AbortSignal.any([this.#signal, overtaken.signal]);
    return await this.#acquire(limitMs, signal, (waiting) => {
      if (this.#reporter.hasStatusLine) this.#report.add(waiting);
      void this.#places.find(new Map([[waiting.name, waiting.key]])).then((places) => {
        const place = firstAlive(places);
        if (place !== undefined) overtaken.abort(new ConflictError(formatConflict(place)));
      });
    });
  }

  async #acquire(
    timeout: number | undefined,
    signal: AbortSignal,
    onWaiting: (waiting: Waiting) => void,
  ): Promise<CommandLocks> {
    const options = { ...this.#options(), timeout, signal, onWaiting };
    try {
      return await this.#manager.acquireAll(this.#job.lock.names, options);
    } catch (error) {
      throw isConflict(error) ? await this.#explainTimeout(error, timeout ?? 0) : error;
    }
  }

  #options(): TryAcquireOptions {
    const { mode, permits, atLeastMs, waitMs } = this.#job.lock;
    return {
      mode,
      ...(mode === "exclusive" && { permits }),
      atLeast: atLeastMs,
      connectTimeout: Math.max(leastConnectTimeoutMs, Math.min(waitMs ?? mostConnectTimeoutMs, mostConnectTimeoutMs)),
      metadata: { command: summarize(this.#job) },
    };
  }

  async #explainTimeout(error: Error, timeoutMs: number): Promise<ConflictError> {
    const dead = deadHolders(await this.#places.findOutside());
    if (dead === undefined) return new ConflictError(messageOf(error), { cause: error });
    const [limit, enough] = [timeoutMs, outliveMs(dead)].map(formatDurationMs);
    const message = `the lock was not to be had within ${limit}: ${formatDead(dead[0])}; a wait of ${enough} is enough`;
    return new ConflictError(message, { cause: error, isHolderDead: true });
  }
}

/**
 * Whether somebody has the lock for longer than we wait, and not just etcd was away. The library is loaded late: its classes
 * are not at hand here.
 */
function isConflict(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "LOCK_TIMEOUT" && error.cause === undefined;
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
