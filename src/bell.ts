import { onAbort, type Signal } from "./abort.ts";
import type { Clock } from "./clock.ts";

/** Something that one task waits for and others ring. A ring while nobody waits is kept for the next wait. */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /**
   * Waits for a ring, `delayMs` at most, and takes it. Rejects with the signal's reason if that comes first. The time
   * limit keeps the process alive only if `keepAlive` is true.
   */
  async wait(delayMs: number, signal: Signal, keepAlive = true): Promise<void> {
    if (!this.#rung) await this.#sleep(delayMs, signal, keepAlive);
    this.#rung = false;
  }

  #sleep(delayMs: number, signal: Signal, keepAlive: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        alarm.cancel();
        stopListening();
        this.#wake = undefined;
        settle();
      };
      const alarm = this.#clock.schedule(delayMs, () => end(resolve), keepAlive);
      this.#wake = () => end(resolve);
      let stopListening = (): void => {};
      stopListening = onAbort(signal, (reason) => end(() => reject(reason)));
    });
  }
}
