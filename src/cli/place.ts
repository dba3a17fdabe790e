import { setTimeout as delay } from "node:timers/promises";
import type { LineEntry } from "../index.ts";
import type { CommandManager } from "./command-manager.ts";

/** How long etcd may take to say who is ahead, in milliseconds, before we go on without that. */
const answerLimitMs = 1_000;

/** Where we stand in a line. */
export interface Place {
  /** The name of the line, when there are several. */
  readonly name: string | undefined;
  /** Those who are ahead of us, in order. */
  readonly ahead: readonly LineEntry[];
}

/** Finds out where we stand in the lines of `names`. */
export class PlaceFinder {
  readonly #manager: CommandManager;
  readonly #names: readonly string[];

  constructor(manager: CommandManager, names: readonly string[]) {
    this.#manager = manager;
    this.#names = names;
  }

  /** The same for somebody who is in none of these lines: all who are there are ahead. */
  async findOutside(): Promise<readonly Place[] | undefined> {
    return await this.find(new Map(this.#names.map((name) => [name, ""])));
  }

  /** Our places, given our entries by the names of their lines; `undefined` when etcd does not answer. */
  async find(ownKeys: ReadonlyMap<string, string>): Promise<readonly Place[] | undefined> {
    const reading = Promise.all([...ownKeys].map(([name, key]) => this.#findOne(name, key)));
    const answered = new AbortController();
    const silence = delay(answerLimitMs, undefined, { signal: answered.signal });
    try {
      return await Promise.race([reading, silence]);
    } catch {
      return undefined;
    } finally {
      answered.abort();
      silence.catch(() => undefined);
    }
  }

  async #findOne(name: string, ownKey: string): Promise<Place> {
    const { entries } = await this.#manager.inspect(name);
    const own = entries.findIndex(({ key }) => key === ownKey);
    return { name: this.#names.length > 1 ? name : undefined, ahead: own === -1 ? entries : entries.slice(0, own) };
  }
}

/** The first of the lines in which somebody is ahead. */
export function firstTaken(places: readonly Place[] | undefined): Place | undefined {
  return places?.find(({ ahead }) => ahead.length > 0) ?? places?.[0];
}
