import { setTimeout as delay } from "node:timers/promises";
import type { Line, Waiting } from "../index.ts";
import type { CommandManager } from "./command-manager.ts";
import type { Host } from "./host.ts";
import type { Reporter } from "./reporter.ts";
import { formatConflict, formatWaiting, type Place } from "./waiting-text.ts";

/** How often the line on a terminal is written anew, in milliseconds. */
const statusIntervalMs = 1_000;

/** Where nobody looks all the time, the second line comes after this time, and each further one after twice as long. */
const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;

/** How long etcd may take to say who is ahead, in milliseconds, before we say at least that we wait. */
const answerLimitMs = 1_000;

/**
 * Tells whom we wait for: on a terminal by one line, which is kept current, and gone afterwards; elsewhere by a line at the
 * start, and rarely another.
 */
export class WaitingReport {
  readonly #manager: CommandManager;
  readonly #host: Host;
  readonly #reporter: Reporter;
  /** Several locks are wanted: it is said which one we wait for. */
  readonly #isOneOfMany: boolean;
  readonly #over = new AbortController();
  /** Our entries, by the names of their lines. */
  readonly #ownKeys = new Map<string, string>();
  #startedAt = 0;

  constructor(manager: CommandManager, host: Host, reporter: Reporter, names: readonly string[]) {
    this.#manager = manager;
    this.#host = host;
    this.#reporter = reporter;
    this.#isOneOfMany = names.length > 1;
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

  /** Says who has one of `names`, for somebody who does not wait. */
  async explainConflict(names: readonly string[]): Promise<string> {
    return formatConflict(await this.#findPlace(new Map(names.map((name) => [name, ""]))));
  }

  async #keepTelling(): Promise<void> {
    const { signal } = this.#over;
    // The other lines are entered in the same step, and told in the same turn.
    await Promise.resolve();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const place = await this.#findPlace(this.#ownKeys);
      signal.throwIfAborted();
      const text = formatWaiting(place, this.#host.now() - this.#startedAt);
      if (this.#reporter.hasStatusLine) this.#reporter.showStatus(text);
      else this.#reporter.tell(text);
      await delay(this.#reporter.hasStatusLine ? statusIntervalMs : pauseMs, undefined, { signal });
    }
  }

  /** Our place in the first of the lines in which somebody is ahead; `undefined` when etcd does not answer. */
  async #findPlace(ownKeys: ReadonlyMap<string, string>): Promise<Place | undefined> {
    const lines = await this.#readLines([...ownKeys.keys()]);
    const places = lines?.map((line): Place => {
      const own = line.entries.findIndex(({ key }) => key === ownKeys.get(line.name));
      const name = this.#isOneOfMany ? line.name : undefined;
      return { name, ahead: own === -1 ? line.entries : line.entries.slice(0, own) };
    });
    return places?.find(({ ahead }) => ahead.length > 0) ?? places?.[0];
  }

  async #readLines(names: readonly string[]): Promise<readonly Line[] | undefined> {
    const reading = Promise.all(names.map((name) => this.#manager.inspect(name))).catch(() => undefined);
    const silence = delay(answerLimitMs, undefined, { signal: this.#over.signal });
    return await Promise.race([reading, silence]);
  }
}
