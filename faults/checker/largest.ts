import type { Hold } from "./story.ts";

/** Of some holds, the one with the largest token that matters to another: of two, one wants to be alone. */
export class Largest {
  #ofAll: Hold | undefined;
  #ofAlone: Hold | undefined;

  add(hold: Hold): void {
    if (this.#ofAll === undefined || hold.token > this.#ofAll.token) this.#ofAll = hold;
    if (hold.limit === 1 && (this.#ofAlone === undefined || hold.token > this.#ofAlone.token)) this.#ofAlone = hold;
  }

  /** One that would not be inside together with `hold`, and has a token that is not smaller. */
  above(hold: Hold): Hold | undefined {
    const largest = hold.limit === 1 ? this.#ofAll : this.#ofAlone;
    return largest !== undefined && largest.token >= hold.token ? largest : undefined;
  }
}
