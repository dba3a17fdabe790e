import type { Clock } from "../clock.ts";

/** As much as the smallest margin of a deadline: less than this can do no harm. */
const thresholdMs = 150;

/**
 * Notices that one clock has jumped against the other. A virtual machine that was paused sees its monotonic clocks go on
 * as if nothing had been, and its wall clock set right: then what they say of a deadline is worth nothing.
 */
export class ClockJump {
  readonly #clock: Clock;
  #lead: number;
  #noticedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lead = clock.wallLead();
  }

  /** When the last jump was noticed, by {@link Clock.now}. A renewal sent before that proves nothing any more. */
  noticedAt(): number {
    const lead = this.#clock.wallLead();
    if (Math.abs(lead - this.#lead) > thresholdMs) this.#noticedAt = this.#clock.now();
    this.#lead = lead;
    return this.#noticedAt;
  }
}
