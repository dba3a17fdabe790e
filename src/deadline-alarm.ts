import type { Alarm, Clock } from "./clock.ts";

/**
 * Calls back once the deadline has passed. The deadline may move on in the meantime: then the alarm is set anew when it
 * goes off, and a renewal costs nothing. Where it may move back, or when it is to be told again, {@link DeadlineAlarm.reset}.
 */
export class DeadlineAlarm {
  readonly #clock: Clock;
  readonly #deadline: () => number;
  readonly #onPassed: () => void;
  #alarm: Alarm;

  constructor(clock: Clock, deadline: () => number, onPassed: () => void) {
    this.#clock = clock;
    this.#deadline = deadline;
    this.#onPassed = onPassed;
    this.#alarm = this.#set();
  }

  /** Looks at the deadline now, and waits for it. */
  reset(): void {
    this.#alarm.cancel();
    this.#alarm = this.#set();
  }

  cancel(): void {
    this.#alarm.cancel();
  }

  #set(): Alarm {
    return this.#clock.schedule(this.#deadline() - this.#clock.now(), () => {
      if (this.#clock.now() >= this.#deadline()) this.#onPassed();
      else this.#alarm = this.#set();
    });
  }
}
