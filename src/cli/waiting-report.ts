import { setTimeout as delay } from "node:timers/promises";
import type { Waiting } from "../index.ts";
import type { Host } from "./host.ts";
import { firstTaken, type PlaceFinder } from "./place.ts";
import type { Reporter } from "./reporter.ts";
import { formatWaiting } from "./waiting-text.ts";

/** How often the line on a terminal is written anew, in milliseconds. */
const statusIntervalMs = 1_000;

/** Where nobody looks all the time, the second line comes after this time, and each further one after twice as long. */
const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;

/**
 * Tells whom we wait for: on a terminal by one line, which is kept current, and gone afterwards; elsewhere by a line at the
 * start, and rarely another.
 */
export class WaitingReport {
  readonly #places: PlaceFinder;
  readonly #host: Host;
  readonly #reporter: Reporter;
  readonly #over = new AbortController();
  /** Our entries, by the names of their lines. */
  readonly #ownKeys = new Map<string, string>();
  #startedAt = 0;

  constructor(places: PlaceFinder, host: Host, reporter: Reporter) {
    this.#places = places;
    this.#host = host;
    this.#reporter = reporter;
  }

  /** A line has been entered, and somebody is ahead in it. */
  add({ name, key }: Waiting): void {
    const isFirst = this.#ownKeys.size === 0;
    this.#ownKeys.set(name, key);
    if (!isFirst) return;
    this.#startedAt = this.#host.now();
    this.#keepTelling().catch(() => undefined);
  }

  /** The wait is over. */
  end(): void {
    this.#over.abort();
    this.#reporter.eraseStatus();
  }

  async #keepTelling(): Promise<void> {
    const { signal } = this.#over;
    // The other lines are entered in the same step, and told in the same turn.
    await Promise.resolve();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const place = firstTaken(await this.#places.find(this.#ownKeys));
      signal.throwIfAborted();
      const text = formatWaiting(place, this.#host.now() - this.#startedAt);
      if (this.#reporter.hasStatusLine) this.#reporter.showStatus(text);
      else this.#reporter.tell(text);
      await delay(this.#reporter.hasStatusLine ? statusIntervalMs : pauseMs, undefined, { signal });
    }
  }
}
