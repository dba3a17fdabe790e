import type { Alarm, Clock } from "#dist/clock.js";

interface Pending {
  readonly at: number;
  readonly callback: () => void;
  readonly keepAlive: boolean;
}

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  #lead = 0;
  readonly #pending = new Set<Pending>();

  now(): number {
    return this.#now;
  }

  wallLead(): number {
    return this.#lead;
  }

  schedule(delayMs: number, callback: () => void, keepAlive = true): Alarm {
    const pending = { at: this.#now + Math.max(0, delayMs), callback, keepAlive };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Lets time pass, and runs what falls due on the way, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#pending].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Lets time pass without running anything: a blocked event loop, or a stopped process. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  /** The wall clock jumps against the monotonic one. */
  jumpWall(ms: number): void {
    this.#lead += ms;
  }

  get alarms(): number {
    return this.#pending.size;
  }

  /** Whether the process would go on for the sake of any of them. */
  get keepsAlive(): boolean {
    return [...this.#pending].some(({ keepAlive }) => keepAlive);
  }
}
