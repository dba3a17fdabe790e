import type { Alarm, Clock } from "./clock.ts";

/** Something that is to be told when its time has come. */
export interface Due {
  /** By {@link Clock.now}. May move on at any time; once told, it must have, or be removed. */
  readonly dueAt: number;
  onDue(): void;
}

/**
 * One alarm for many deadlines. They move on all the time, and that costs nothing: they are looked at again when the
 * alarm goes off. Where one may have moved back: {@link DeadlineAlarm.lookAt}.
 */
export class DeadlineAlarm {
  readonly #clock: Clock;
  readonly #keepsAlive: boolean;
  readonly #dues = new Set<Due>();
  #alarm: Alarm | undefined;
  #goesOffAt = Number.POSITIVE_INFINITY;

  /** `keepsAlive`: the process does not end while there is a deadline. */
  constructor(clock: Clock, keepsAlive: boolean) {
    this.#clock = clock;
    this.#keepsAlive = keepsAlive;
  }

  add(due: Due): void {
    this.#dues.add(due);
    this.lookAt(due);
  }

  remove(due: Due): void {
    this.#dues.delete(due);
    // One that keeps nobody alive may as well go off for nothing: that is cheaper than another for whoever comes next.
    if (this.#dues.size === 0 && this.#keepsAlive) this.#setFor(Number.POSITIVE_INFINITY);
  }

  /** Its time may come earlier than it seemed. */
  lookAt({ dueAt }: Due): void {
    if (dueAt < this.#goesOffAt) this.#setFor(dueAt);
  }

  #setFor(goesOffAt: number): void {
    this.#alarm?.cancel();
    this.#goesOffAt = goesOffAt;
    this.#alarm = undefined;
    if (goesOffAt === Number.POSITIVE_INFINITY) return;
    const delayMs = goesOffAt - this.#clock.now();
    this.#alarm = this.#clock.schedule(delayMs, () => this.#goOff(), this.#keepsAlive);
  }

  #goOff(): void {
    let nextAt = Number.POSITIVE_INFINITY;
    for (const due of this.#dues) {
      if (due.dueAt <= this.#clock.now()) due.onDue();
      if (this.#dues.has(due)) nextAt = Math.min(nextAt, due.dueAt);
    }
    this.#setFor(nextAt);
  }
}
