import { orAborted } from "../abort.ts";

/**
 * Requests for one name enter its line in the order in which they were made: each when the one before stands in line, or
 * has given up. Sent all at once, they could overtake each other on the way.
 */
export class EnteringOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Calls `enter` when it is the request's turn. `onEntered` is to be called when the line has been entered; settling
   * counts, too. Rejects with the signal's reason when that comes before the turn.
   */
  async inTurn<T>(
    name: string,
    signal: AbortSignal | undefined,
    enter: (onEntered: () => void) => Promise<T>,
  ): Promise<T> {
    const before = this.#last.get(name);
    let onEntered = (): void => {};
    const own = new Promise<void>((resolve) => {
      onEntered = resolve;
    });
    this.#remember(name, Promise.all([before, own]));
    try {
      if (before !== undefined) await (signal === undefined ? before : orAborted(before, signal));
      return await enter(onEntered);
    } finally {
      onEntered();
    }
  }

  /** Resolves when every request made so far stands in line, or has given up. */
  async allEntered(): Promise<void> {
    await Promise.all(this.#last.values());
  }

  #remember(name: string, entered: Promise<unknown>): void {
    this.#last.set(name, entered);
    void entered.then(() => {
      if (this.#last.get(name) === entered) this.#last.delete(name);
    });
  }
}
