import { type Child, startChild } from "./child.ts";
import { childEnvironment, lockMarker } from "./child-environment.ts";
import type { CommandLocks } from "./command-manager.ts";
import { lossGraceMs } from "./ending.ts";
import { messageOf } from "./error-message.ts";
import type { ProcessEnd, Verdict } from "./exit-code.ts";
import type { Guardian } from "./guardian.ts";
import type { HoldWatch } from "./hold-watch.ts";
import type { Host, PassedOnSignal } from "./host.ts";
import type { Job } from "./job.ts";
import { NodePing } from "./node-ping.ts";
import { ProcessGroup, type SharedSession } from "./process-group.ts";
import type { Reporter } from "./reporter.ts";
import { isEndingSignal, isTypedSignal, judgeSignal, type ReceivedSignal } from "./signal-policy.ts";
import { killReserveMs } from "./stop-timing.ts";
import { Termination } from "./termination.ts";

/** What a command is run with. */
export interface SupervisionContext {
  readonly job: Job;
  readonly host: Host;
  readonly reporter: Reporter;
  readonly locks: CommandLocks;
  /** The lease that all of them are bound to. */
  readonly leaseId: bigint;
  /** The granted TTL, in seconds. */
  readonly ttlSeconds: number;
  readonly watch: HoldWatch;
  readonly guardian: Guardian;
  /** The session of the terminal, when the command needs it. */
  readonly shared: SharedSession | undefined;
}

/** A command that runs under a lock, from its start until it and what it left running are gone. */
export class Supervision {
  readonly #context: SupervisionContext;
  readonly #child: Child;
  readonly #group: ProcessGroup;
  readonly #termination: Termination;
  /** Settles only when the group could not be ended: `undefined` stands for processes that SIGKILL does not end. */
  readonly #failed: Promise<undefined>;
  #fail: (reason: Error | undefined) => void = () => {};
  #isStopping = false;
  #isLost = false;
  #hasPingFailed = false;
  #endingSignal: NodeJS.Signals | undefined;
  readonly #earlierSignals = new Map<PassedOnSignal, ReceivedSignal>();

  /**
   * Starts the command, if at this moment the lock is still held with time to spare.
   *
   * @throws ChildStartError, or the reason of the watch's signal.
   */
  static async start(context: SupervisionContext): Promise<Supervision> {
    const { job, host, locks, leaseId, watch, guardian, shared, reporter } = context;
    const marker = lockMarker({ leaseId });
    guardian.announce(marker);
    if (watch.mustStop()) watch.signal.throwIfAborted();
    const environment = childEnvironment(host.environment, {
      id: job.id,
      leaseId,
      tokens: new Map(locks.names.map((name) => [name, locks.get(name).fencingToken])),
    });
    const child = await startChild(job, environment, shared !== undefined);
    guardian.guard(child.pid);
    reporter.note(`started the command (pid ${child.pid})`);
    return new Supervision(context, child, new ProcessGroup(host, { leader: child.pid, marker, shared }));
  }

  private constructor(context: SupervisionContext, child: Child, group: ProcessGroup) {
    this.#context = context;
    this.#child = child;
    this.#group = group;
    this.#termination = new Termination(context.host, group, context.job.ending.stopSignal);
    this.#failed = new Promise((resolve, reject) => {
      this.#fail = (reason) => (reason === undefined ? resolve(undefined) : reject(reason));
    });
    // It may come when nobody waits for it any more.
    this.#failed.catch(() => undefined);
  }

  /** Resolves when nobody is inside any more, or cannot be made to leave. */
  async untilOver(): Promise<Verdict> {
    const { job, watch } = this.#context;
    const lose = (): void => this.#lose();
    watch.signal.addEventListener("abort", lose);
    if (job.ending.onLost === "pause") watch.on("atRisk", this.#pause).on("safe", this.#goOn);
    const ping = this.#startPing();
    try {
      // The fork took time: look again.
      if (watch.mustStop()) this.#lose();
      const end = await this.#untilGone();
      return {
        end,
        isLost: this.#isLost,
        hasPingFailed: this.#hasPingFailed,
        endingSignal: this.#endingSignal,
      };
    } finally {
      ping?.stop();
      watch.off("atRisk", this.#pause).off("safe", this.#goOn);
      watch.signal.removeEventListener("abort", lose);
    }
  }

  /** The processes that could not be made to end. */
  async survivors(): Promise<readonly number[]> {
    return (await this.#group.members()).map(({ pid }) => pid);
  }

  /** A signal came for etcdlocker. */
  receive(signal: PassedOnSignal): void {
    const { host, shared, reporter } = this.#context;
    const received = { signal, at: host.now(), mayBeTyped: shared !== undefined && isTypedSignal(signal) };
    const action = judgeSignal(received, this.#earlierSignals);
    this.#earlierSignals.set(signal, received);
    if (action === "ignore") return;
    if (isEndingSignal(signal)) this.#endingSignal = signal;
    if (action === "kill") void this.#stop(0);
    else this.#group.signal(signal).catch(this.#fail);
    reporter.note(action === "kill" ? `${signal} again: killing the command` : `passed on ${signal} to the command`);
  }

  async #untilGone(): Promise<ProcessEnd | undefined> {
    const { job, reporter, locks, watch } = this.#context;
    const end = await Promise.race([this.#child.ended, this.#failed]);
    if (end === undefined) return undefined;
    reporter.note(`the command ended (${end.kind === "exited" ? `exit code ${end.code}` : end.signal})`);
    // We may have been stopped ourselves, and the guardian may have done it.
    const wasKilled = end.kind === "signalled" && end.signal === "SIGKILL";
    // Not held, and not lost either, is a lock that is in doubt since the clocks have jumped.
    const isLost = !locks.held && locks.signal.aborted;
    if ((wasKilled || isLost) && watch.mustStop()) this.#lose();
    if (job.leavesDescendants && !this.#isStopping) return end;
    if (await this.#group.isGone()) return end;
    reporter.note("ending what the command left running");
    return (await this.#stop(job.ending.killAfterMs)) ? end : undefined;
  }

  #startPing(): NodePing | undefined {
    const { job, host } = this.#context;
    if (!job.isNodeModule) return undefined;
    const timing = { intervalMs: job.refreshMs, limitMs: job.ttlSeconds * 1_000, now: () => host.now() };
    return new NodePing(this.#child.process, timing, (reason) => {
      this.#hasPingFailed = true;
      void this.#stop(job.ending.killAfterMs);
      this.#context.reporter.say(`the Node.js module failed its ping: ${reason}; ending it`);
    });
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const { job, reporter, watch, ttlSeconds } = this.#context;
    // First the command, then the words: they may have to wait for a reader.
    void this.#stop(Math.min(lossGraceMs(job.ending), watch.remainingMs - killReserveMs(ttlSeconds)));
    reporter.say(`${messageOf(watch.signal.reason)}; ending the command`);
  }

  readonly #pause = (): void => {
    if (this.#isStopping) return;
    this.#group.signal("SIGSTOP").catch(this.#fail);
    this.#context.reporter.say("the lock is at risk, since it has not been renewed for a while; the command is paused");
  };

  readonly #goOn = (): void => {
    if (this.#isStopping) return;
    this.#group.signal("SIGCONT").catch(this.#fail);
    this.#context.reporter.tell("the lock is safe again; the command goes on");
  };

  /** Resolves to whether everything is gone. */
  #stop(graceMs: number): Promise<boolean> {
    this.#isStopping = true;
    const over = this.#termination.begin(graceMs);
    over.then((isGone) => {
      if (!isGone) this.#fail(undefined);
    }, this.#fail);
    return over;
  }
}
