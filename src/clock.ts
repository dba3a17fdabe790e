import { uptime } from "node:os";
import { performance } from "node:perf_hooks";

/** A callback that is due at some time. */
export interface Alarm {
  /** The callback will not run any more. */
  cancel(): void;
}

/** The only source of time in this package; tests give another. */
export interface Clock {
  /** Milliseconds since some fixed instant. Never goes back, and counts the time the machine was suspended. */
  now(): number;
  /** The wall clock's lead over {@link Clock.now}, in milliseconds: constant, unless one of the two clocks jumps. */
  wallLead(): number;
  /** Runs `callback` in `delayMs`. Keeps the process alive until then only if `keepAlive` is true (the default). */
  schedule(delayMs: number, callback: () => void, keepAlive?: boolean): Alarm;
}

/** The longest delay that Node.js's timers take, in milliseconds (about 24 days). */
export const longestDelayMs: number = 2 ** 31 - 1;

// Clocks are read one after the other, and the boot clock ticks in hundredths of a second.
const suspensionThresholdMs = 50;
const wallJumpThresholdMs = 20;

/**
 * Time elapsed by the monotonic clock, plus the time the machine was suspended: on Linux `performance.now()` stands
 * still then (node#47724), and `os.uptime()`, the boot clock, does not. That one is dear to read, so it is read when the
 * wall clock, which suspension moves on as well, says that there is something to see.
 */
class SystemClock implements Clock {
  readonly #bootLead = bootLead();
  #wallLead = wallLead();
  #suspendedMs = 0;

  now(): number {
    const lead = wallLead();
    if (Math.abs(lead - this.#wallLead) > wallJumpThresholdMs) {
      this.#wallLead = lead;
      const suspendedMs = bootLead() - this.#bootLead;
      if (suspendedMs > this.#suspendedMs + suspensionThresholdMs) this.#suspendedMs = suspendedMs;
    }
    return performance.now() + this.#suspendedMs;
  }

  wallLead(): number {
    return Date.now() - this.now();
  }

  schedule(delayMs: number, callback: () => void, keepAlive = true): Alarm {
    const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(delayMs)), longestDelayMs));
    if (!keepAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }
}

function wallLead(): number {
  return Date.now() - performance.now();
}

function bootLead(): number {
  return uptime() * 1_000 - performance.now();
}

/** The clock of this machine. */
export const systemClock: Clock = new SystemClock();
