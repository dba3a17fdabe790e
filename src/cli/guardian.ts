import { setTimeout as delay } from "node:timers/promises";
import type { BootClock } from "./boot-clock.ts";
import { messageOf } from "./error-message.ts";
import { type GuardianKind, GuardianProcess } from "./guardian-process.ts";
import type { Host } from "./host.ts";
import type { SharedSession } from "./process-group.ts";
import type { Reporter } from "./reporter.ts";

const restartDelayMs = 200;

/** No guardian could be started. */
export class GuardianStartError extends Error {
  override readonly name = "GuardianStartError";
}

/** What a guardian has to know. */
interface Facts {
  deadline: number | undefined;
  marker: string | undefined;
  leader: number | undefined;
}

/**
 * Sees to it that a command does not outlive its lock, whatever becomes of etcdlocker: a {@link GuardianProcess}, and
 * another one should it die.
 */
export class Guardian {
  readonly #host: Host;
  readonly #reporter: Reporter;
  readonly #clock: BootClock;
  readonly #shared: SharedSession | undefined;
  readonly #facts: Facts = { deadline: undefined, marker: undefined, leader: undefined };
  readonly #over = new AbortController();
  #current: GuardianProcess;
  #dismissal: Promise<void> | undefined;

  /**
   * Resolves when a guardian is ready. Rejects with a {@link GuardianStartError}, or with the reason of `signal`.
   */
  static async start(
    host: Host,
    reporter: Reporter,
    clock: BootClock,
    shared: SharedSession | undefined,
    signal: AbortSignal,
  ): Promise<Guardian> {
    const first = await startAny(host, clock, shared, signal);
    return new Guardian(host, reporter, clock, shared, first);
  }

  private constructor(
    host: Host,
    reporter: Reporter,
    clock: BootClock,
    shared: SharedSession | undefined,
    first: GuardianProcess,
  ) {
    this.#host = host;
    this.#reporter = reporter;
    this.#clock = clock;
    this.#shared = shared;
    this.#current = first;
    reporter.note(`the guardian is ready (pid ${first.pid})`);
    void this.#keep();
  }

  /** The command must be dead `inMs` from now, unless a later call says otherwise. */
  setDeadline(inMs: number): void {
    this.#facts.deadline = Math.floor(this.#clock.now() + inMs);
    this.#current.tell(`deadline ${this.#facts.deadline}`);
  }

  /** The command is about to be started, with `marker`, as in `NAME=value`, in its environment. */
  announce(marker: string): void {
    this.#facts.marker = marker;
    this.#current.tell(`spawning ${marker}`);
  }

  /** The command has been started, as the process `leader`. */
  guard(leader: number): void {
    this.#facts.leader = leader;
    this.#current.tell(`leader ${leader}`);
  }

  /** There is nothing to guard any more. Resolves when the guardian has ended. */
  dismiss(): Promise<void> {
    this.#over.abort();
    this.#dismissal ??= this.#current.dismiss();
    return this.#dismissal;
  }

  async #keep(): Promise<void> {
    for (;;) {
      const end = await this.#current.ended;
      // What it killed needs no guardian; etcdlocker, awake again, finds out by itself.
      if (this.#over.signal.aborted || end === "killed-the-command") return;
      this.#reporter.say("the guardian of the command died; starting another");
      await this.#replace();
    }
  }

  async #replace(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      try {
        await delay(restartDelayMs, undefined, { signal });
        this.#current = await startAny(this.#host, this.#clock, this.#shared, signal);
        if (signal.aborted) return await this.#current.dismiss();
        this.#tellAll();
        this.#reporter.note(`another guardian is ready (pid ${this.#current.pid})`);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#reporter.say(`${messageOf(error)}; trying again`);
      }
    }
  }

  #tellAll(): void {
    const { deadline, marker, leader } = this.#facts;
    if (marker !== undefined) this.#current.tell(`spawning ${marker}`);
    if (leader !== undefined) this.#current.tell(`leader ${leader}`);
    if (deadline !== undefined) this.#current.tell(`deadline ${deadline}`);
  }
}

/** The shell where it can keep time, else Node.js. */
async function startAny(
  host: Host,
  clock: BootClock,
  shared: SharedSession | undefined,
  signal: AbortSignal,
): Promise<GuardianProcess> {
  const kinds: GuardianKind[] = clock.kind === "uptime" ? ["shell", "node"] : ["node"];
  const failures: string[] = [];
  for (const kind of kinds) {
    try {
      return await GuardianProcess.start(host, kind, shared, signal);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(`${kind}: ${messageOf(error)}`);
    }
  }
  throw new GuardianStartError(`cannot start the guardian of the command (${failures.join("; ")})`);
}
