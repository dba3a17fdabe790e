import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";

/** How a module is pinged. */
export interface PingTiming {
  /** From one ping to the next, in milliseconds, unless the answer takes longer. */
  readonly intervalMs: number;
  /** Within which an answer has to come, in milliseconds. */
  readonly limitMs: number;
  /** A monotonic clock, in milliseconds. */
  now(): number;
}

/** A module that exits closes its channel first: only after this time, in milliseconds, is it one that goes on without. */
const exitGraceMs = 1_000;

const largestPing = 10_000_000_000;

/**
 * Pings a forked Node.js module as 1.x did: `{ping: x}` has to be answered with `{pong: x}`. Messages without `pong`
 * are no answer, and a second answer to a ping is ignored. Calls `onFailure` once, with the reason in words, when an
 * answer is wrong or late, or the channel is closed while the module runs.
 */
export class NodePing {
  readonly #child: ChildProcess;
  readonly #timing: PingTiming;
  readonly #onFailure: (reason: string) => void;
  #state: PingState = { kind: "resting" };
  #next: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  #lastAnswered: number | undefined;

  constructor(child: ChildProcess, timing: PingTiming, onFailure: (reason: string) => void) {
    this.#child = child;
    this.#timing = timing;
    this.#onFailure = onFailure;
    child.on("message", this.#judge);
    child.on("disconnect", this.#watchDisconnected);
    child.on("exit", this.stop);
    this.#ping();
  }

  /** No more pings, and no failure any more. */
  readonly stop = (): void => {
    clearTimeout(this.#next);
    clearTimeout(this.#grace);
    if (this.#state.kind === "waiting") clearTimeout(this.#state.limit);
    this.#state = { kind: "stopped" };
    this.#child.off("message", this.#judge);
    this.#child.off("disconnect", this.#watchDisconnected);
    this.#child.off("exit", this.stop);
  };

  #ping(): void {
    const value = randomInt(1, largestPing);
    const limit = setTimeout(() => this.#judgeLate(value), this.#timing.limitMs);
    this.#state = { kind: "waiting", value, limit, sentAt: this.#timing.now() };
    // A channel that is closed says so by `disconnect`, or the process is about to end.
    this.#child.send({ ping: value }, () => undefined);
  }

  readonly #judge = (message: unknown): void => {
    if (typeof message !== "object" || message === null || !("pong" in message)) return;
    const state = this.#state;
    if (state.kind !== "waiting" || message.pong === this.#lastAnswered) return;
    if (message.pong !== state.value) {
      this.#fail("the answer to a ping was wrong");
      return;
    }
    clearTimeout(state.limit);
    this.#lastAnswered = state.value;
    this.#state = { kind: "resting" };
    const restMs = this.#timing.intervalMs - (this.#timing.now() - state.sentAt);
    this.#next = setTimeout(() => this.#ping(), Math.max(0, restMs));
  };

  /** When we were stopped ourselves, the answer may be there, unread: it is read before the immediates run. */
  #judgeLate(value: number): void {
    setImmediate(() => {
      const state = this.#state;
      if (state.kind !== "waiting" || state.value !== value) return;
      this.#fail(`a ping was not answered within ${this.#timing.limitMs} ms`);
    });
  }

  readonly #watchDisconnected = (): void => {
    this.#grace = setTimeout(() => this.#fail("it closed the channel for pings"), exitGraceMs);
  };

  #fail(reason: string): void {
    this.stop();
    this.#onFailure(reason);
  }
}

type PingState =
  | { readonly kind: "resting" }
  | { readonly kind: "waiting"; readonly value: number; readonly limit: NodeJS.Timeout; readonly sentAt: number }
  | { readonly kind: "stopped" };
