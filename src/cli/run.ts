import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { formatDurationMs } from "../duration.ts";
import { acquireLocks } from "./acquisition.ts";
import { openBootClock } from "./boot-clock.ts";
import { ChildStartError } from "./child.ts";
import type { CommandLock, CommandLocks, CommandManager } from "./command-manager.ts";
import { ConflictError } from "./conflict-error.ts";
import { openManager } from "./connection.ts";
import { lossGraceMs } from "./ending.ts";
import { messageOf } from "./error-message.ts";
import { exitCodes, runExitCode, signalExitCode, type Verdict } from "./exit-code.ts";
import { Guardian, GuardianStartError } from "./guardian.ts";
import { HoldEndedError, HoldWatch } from "./hold-watch.ts";
import type { Host, PassedOnSignal } from "./host.ts";
import type { Job } from "./job.ts";
import type { SharedSession } from "./process-group.ts";
import { parseStat } from "./process-table.ts";
import { Reporter } from "./reporter.ts";
import { judgeSignal, type ReceivedSignal } from "./signal-policy.ts";
import { killReserveMs, stopMarginMs } from "./stop-timing.ts";
import { Supervision } from "./supervision.ts";
import { UsageError } from "./usage-error.ts";

/** Runs the command under the lock, and resolves to the exit code. What is wrong is said on standard error. */
export async function runJob(job: Job, host: Host): Promise<number> {
  return await new Run(job, host).untilOver();
}

/** How long leaving may take in all, in milliseconds, and closing the connection at least. */
const leaveLimitMs = 5_000;
const closeLeastMs = 300;

/** A signal came while we waited for the lock. */
class EndedBySignal extends Error {
  override readonly name = "EndedBySignal";
  readonly signal: PassedOnSignal;

  constructor(signal: PassedOnSignal) {
    super(`ended by ${signal}`);
    this.signal = signal;
  }
}

/** Where signals go. */
type Phase =
  | { readonly kind: "waiting" }
  | { readonly kind: "running"; readonly supervision: Supervision }
  | { readonly kind: "leaving" };

/** One run of etcdlocker, from waiting in line to giving the lock back. */
class Run {
  readonly #job: Job;
  readonly #host: Host;
  readonly #reporter: Reporter;
  readonly #shared: SharedSession | undefined;
  /** Ends the wait for the lock. */
  readonly #interruption = new AbortController();
  /** Ends the leaving: somebody asked for the end again. */
  readonly #hurry = new AbortController();
  #phase: Phase = { kind: "waiting" };
  /** From the start of the command until it is known that it, and what it started, are gone. */
  #mayBeInside = false;
  readonly #earlierSignals = new Map<PassedOnSignal, ReceivedSignal>();
  #leaveBy: number | undefined;

  constructor(job: Job, host: Host) {
    this.#job = job;
    this.#host = host;
    this.#reporter = new Reporter(host, job.messages, { names: job.lock.names, id: job.id });
    this.#shared = host.hasTerminalInput ? { session: readOwnSession(host), self: host.pid } : undefined;
  }

  async untilOver(): Promise<number> {
    this.#host.onSignal((signal) => this.#receive(signal));
    const starting = this.#startGuardian();
    try {
      return await this.#runWithManager(await this.#openManager(), starting);
    } catch (error) {
      return this.#explain(error);
    } finally {
      // As long as somebody may be inside, the guardian stays, and kills when we are gone.
      if (!this.#mayBeInside) await dismiss(starting);
    }
  }

  /** Only now, after the guardian is on its way. */
  #openManager(): Promise<CommandManager> {
    const { connection, id, ttlSeconds, refreshMs } = this.#job;
    return openManager(connection, { id, ttl: ttlSeconds, refreshInterval: refreshMs });
  }

  /** Started at once, to be ready by the time the lock is held. */
  #startGuardian(): Promise<Guardian> {
    const { signal } = this.#interruption;
    const starting = Guardian.start(this.#host, this.#reporter, openBootClock(), this.#shared, signal);
    starting.catch((error) => this.#interruption.abort(error));
    return starting;
  }

  async #runWithManager(manager: CommandManager, starting: Promise<Guardian>): Promise<number> {
    try {
      const { signal } = this.#interruption;
      const acquiring = acquireLocks(manager, this.#job, this.#host, this.#reporter, signal);
      const locks = await this.#unlessHurried(acquiring);
      const tokens = locks.names.map((name) => locks.get(name).fencingToken);
      this.#reporter.note(`holding the lock (fencing token ${tokens.join(", ")})`);
      return await this.#runWithLocks(manager, locks, starting);
    } finally {
      if (!this.#mayBeInside) await this.#close(manager);
    }
  }

  async #runWithLocks(manager: CommandManager, locks: CommandLocks, starting: Promise<Guardian>): Promise<number> {
    let verdict: Verdict | undefined;
    try {
      const guardian = await starting;
      verdict = await this.#supervise(manager, locks, guardian);
      // It ends while the lock is given back.
      guardian.dismiss().catch(() => undefined);
    } finally {
      // Who may still be inside must not meet the next holder: then only the end of the lease frees the lock.
      if (!this.#mayBeInside) {
        const wasHeld = await this.#release(locks);
        if (!wasHeld && verdict !== undefined) verdict = this.#noteLoss(verdict);
      }
    }
    return runExitCode(verdict);
  }

  /** Runs the command until nobody is inside. */
  async #supervise(manager: CommandManager, locks: CommandLocks, guardian: Guardian): Promise<Verdict> {
    // Taken in one step, they are of one session: one lease, and one renewal for all.
    const lock = locks.get(this.#job.lock.names[0]);
    const { ttl } = lock;
    const marginMs = stopMarginMs(ttl, lossGraceMs(this.#job.ending));
    // The last renewal was that of a waiter, and may be too long ago for a command that needs time to end.
    if (locks.remaining <= marginMs) await this.#unlessHurried(lock.renew()).catch(() => undefined);
    const watch = new HoldWatch(this.#host, manager, locks, {
      stopMarginMs: marginMs,
      onDeadline: (remainingMs) => {
        // Later than our own SIGKILL, so that it is we who do it as long as we can.
        guardian.setDeadline(remainingMs - killReserveMs(ttl) / 2);
        this.#reporter.note(`the lock is ours for ${formatDurationMs(remainingMs)} more`);
      },
      onRenewalFailed: (error) => this.#reporter.note(`a renewal failed: ${messageOf(error)}`),
    });
    try {
      this.#interruption.signal.throwIfAborted();
      const supervision = await Supervision.start({
        job: this.#job,
        host: this.#host,
        reporter: this.#reporter,
        locks,
        leaseId: lock.leaseId,
        ttlSeconds: ttl,
        watch,
        guardian,
        shared: this.#shared,
      });
      this.#mayBeInside = true;
      this.#phase = { kind: "running", supervision };
      const verdict = await supervision.untilOver();
      if (verdict.end === undefined) await this.#reportStuck(supervision, lock);
      else this.#mayBeInside = false;
      this.#beginToLeave();
      return verdict;
    } finally {
      watch.end();
    }
  }

  async #reportStuck(supervision: Supervision, lock: CommandLock): Promise<void> {
    const pids = await supervision.survivors();
    this.#reporter.say(
      `the command could not be killed (still there: ${pids.map((pid) => `pid ${pid}`).join(", ")}). ` +
        `The lock is not given back; it will be free by itself in about ${lock.ttl} s`,
    );
  }

  /** Resolves to whether the lock was still held. When etcd is out of reach, that is said, and taken for yes. */
  async #release(locks: CommandLocks): Promise<boolean> {
    try {
      const wasHeld = await this.#unlessHurried(locks.release());
      this.#reporter.note("gave the lock back");
      return wasHeld;
    } catch (error) {
      this.#reporter.say(`the lock could not be given back: ${messageOf(error)}`);
      return true;
    }
  }

  #noteLoss(verdict: Verdict): Verdict {
    if (!verdict.isLost) this.#reporter.say("the lock was lost while the command ran: when it ended, it was not ours");
    return { ...verdict, isLost: true };
  }

  async #close(manager: CommandManager): Promise<void> {
    const limitMs = Math.max(closeLeastMs, this.#beginToLeave() - this.#host.now());
    const limit = new AbortController();
    const late = delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await this.#unlessHurried(Promise.race([manager.close(), late])).catch((error) => {
      this.#reporter.note(`closing the connection failed: ${messageOf(error)}`);
    });
    limit.abort();
  }

  /** Until when we should be gone. */
  #beginToLeave(): number {
    this.#phase = { kind: "leaving" };
    this.#leaveBy ??= this.#host.now() + leaveLimitMs;
    return this.#leaveBy;
  }

  #receive(signal: PassedOnSignal): void {
    if (this.#phase.kind === "running") {
      this.#phase.supervision.receive(signal);
      return;
    }
    const received = { signal, at: this.#host.now(), mayBeTyped: false };
    const isRepeated = judgeSignal(received, this.#earlierSignals) === "kill";
    this.#earlierSignals.set(signal, received);
    if (this.#phase.kind === "waiting") this.#interruption.abort(new EndedBySignal(signal));
    if (isRepeated) this.#hurry.abort(new EndedBySignal(signal));
  }

  /** Like `promise`; rejects when somebody asks for the end again. */
  async #unlessHurried<Value>(promise: Promise<Value>): Promise<Value> {
    const { signal } = this.#hurry;
    return await new Promise((resolve, reject) => {
      const abandon = (): void => reject(signal.reason);
      if (signal.aborted) abandon();
      signal.addEventListener("abort", abandon);
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abandon));
    });
  }

  #explain(error: unknown): number {
    if (error instanceof EndedBySignal) {
      this.#reporter.note(error.message);
      return signalExitCode(error.signal);
    }
    if (error instanceof ConflictError) {
      const { conflictExitCode } = this.#job.lock;
      if (conflictExitCode === 0 && !error.isHolderDead) this.#reporter.note(error.message);
      else this.#reporter.say(error.message);
      return conflictExitCode;
    }
    this.#reporter.say(messageOf(error));
    if (error instanceof UsageError) return exitCodes.usage.code;
    if (error instanceof HoldEndedError) return exitCodes.lost.code;
    const isStartFailure = error instanceof ChildStartError || error instanceof GuardianStartError;
    return isStartFailure || this.#mayBeInside ? exitCodes.childFailed.code : exitCodes.notAcquired.code;
  }
}

async function dismiss(starting: Promise<Guardian>): Promise<void> {
  const guardian = await starting.catch(() => undefined);
  await guardian?.dismiss();
}

function readOwnSession(host: Host): number | undefined {
  return host.platform === "linux" ? parseStat(readFileSync("/proc/self/stat", "latin1"))?.session : undefined;
}
