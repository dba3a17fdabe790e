import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "./host.ts";
import type { ProcessGroup } from "./process-group.ts";

const shortestPauseMs = 5;
const longestPauseMs = 100;

/** How long a group is given up to die of SIGKILL. A process may be in the kernel's hands, or another user's. */
const giveUpAfterMs = 5_000;

/** The end of a process group: its stop signal, and SIGKILL for what is left some time later. */
export class Termination {
  readonly #host: Host;
  readonly #group: ProcessGroup;
  readonly #stopSignal: NodeJS.Signals;
  #killAt = Number.POSITIVE_INFINITY;
  #over: Promise<boolean> | undefined;

  constructor(host: Host, group: ProcessGroup, stopSignal: NodeJS.Signals) {
    this.#host = host;
    this.#group = group;
    this.#stopSignal = stopSignal;
  }

  /**
   * Asks all members to end, once, and kills those that are still there in `graceMs`. Another call can bring that
   * forward, not put it off. Resolves to whether the group is gone; to `false` when SIGKILL had no effect.
   */
  begin(graceMs: number): Promise<boolean> {
    this.#killAt = Math.min(this.#killAt, this.#host.now() + graceMs);
    this.#over ??= this.#end();
    return this.#over;
  }

  async #end(): Promise<boolean> {
    if (this.#host.now() < this.#killAt) {
      await this.#group.signal(this.#stopSignal);
      // A stopped process acts on it only when it goes on.
      await this.#group.signal("SIGCONT");
      if (await this.#isGoneBefore(() => this.#killAt)) return true;
    }
    return await this.#isGoneBefore(() => this.#killAt + giveUpAfterMs, "SIGKILL");
  }

  /** Looks less and less often: every look reads the list of all processes. */
  async #isGoneBefore(limit: () => number, signal?: NodeJS.Signals): Promise<boolean> {
    for (let pauseMs = shortestPauseMs; this.#host.now() < limit(); pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      if (signal !== undefined) await this.#group.signal(signal);
      if (await this.#group.isGone()) return true;
      await delay(Math.max(0, Math.min(pauseMs, limit() - this.#host.now())));
    }
    return false;
  }
}
