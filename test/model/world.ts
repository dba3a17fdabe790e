import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { EtcdClient } from "#dist/etcd/etcd-client.js";
import { LockManager } from "#dist/index.js";
import type { Random } from "../support/random.ts";
import { Exclusion } from "./exclusion.ts";
import { type Contender, LineModel, type Place } from "./line-model.ts";
import { readStoredLines, type StoredLine, type StoredPlace } from "./stored-lines.ts";
import { Stranger } from "./stranger.ts";
import { type Held, Turn, type TurnOptions } from "./turn.ts";

/** For everybody who is asked for a lease; nobody outlives anybody in the time that a run takes. In seconds. */
export const ttlSeconds = 120;

/** Lines, the model of them, and everybody who stands in them. */
export class World {
  readonly endpoints: readonly string[];
  readonly client: EtcdClient;
  readonly random: Random;
  /** One within another, and one in which a file of somebody else's lies deeper. */
  readonly names: readonly string[];
  readonly model: LineModel;
  readonly managers: LockManager[];
  /** Ours who wait, or have not given back all that they got. */
  readonly strangersLease: bigint;
  readonly #prefix: string;
  /** Ours who wait, or have not given back all that they got, and with what. */
  readonly #turns = new Map<Turn, LockManager | undefined>();
  readonly #strangers = new Set<Stranger>();
  /** With whom something is being done already in this step. */
  readonly #busy = new Set<Contender>();
  readonly #exclusion = new Exclusion();
  readonly #failures: unknown[] = [];
  #stored: ReadonlyMap<string, StoredLine> = new Map();
  #count = 0;

  constructor(endpoints: readonly string[], client: EtcdClient, prefix: string, random: Random) {
    this.endpoints = endpoints;
    this.client = client;
    this.random = random;
    this.#prefix = prefix;
    this.names = ["a", "a/b", "c"].map((name) => prefix + name);
    this.model = new LineModel(this.names);
    this.strangersLease = BigInt(random.below(2 ** 31)) + 1n;
    this.managers = [0, 1, 2].map((number) => this.#makeManager(number));
  }

  async begin(): Promise<void> {
    await this.client.grantLease(this.strangersLease, 3_600, { timeoutMs: 20_000 });
    const file = { kind: "put", key: `${this.#prefix}c/file/deeper`, value: "of no concern" } as const;
    await this.client.transact({ compare: [], success: [file], failure: [] }, { timeoutMs: 20_000 });
  }

  /** Everybody leaves, waits or not. */
  async end(): Promise<void> {
    for (const stranger of this.#strangers) await stranger.leave();
    for (const turn of this.#turns.keys()) {
      await turn.giveUp();
      await turn.taken?.release();
    }
    await Promise.all(this.managers.map((manager) => manager.close()));
    await this.client.revokeLease(this.strangersLease, { timeoutMs: 20_000 });
    const file = { kind: "delete", key: `${this.#prefix}c/file/deeper` } as const;
    await this.client.transact({ compare: [], success: [file], failure: [] }, { timeoutMs: 20_000 });
  }

  /** One of them renews all the time. */
  #makeManager(number: number): LockManager {
    const often = number === 0 ? { refreshInterval: 200 } : {};
    return new LockManager({ endpoints: this.endpoints, ttl: ttlSeconds, connectTimeout: 60_000, ...often });
  }

  managerOf(contender: Contender): LockManager | undefined {
    return contender instanceof Turn ? this.#turns.get(contender) : undefined;
  }

  /** Every place of ours that has its entry. */
  get ourEntries(): readonly Place[] {
    return this.model.places.filter(({ contender, state }) => contender.isOurs && state !== "orphan");
  }

  /** One of ours with whom nothing is being done yet. */
  pickTurn(isMeant: (turn: Turn) => boolean): Turn | undefined {
    return this.#pick([...this.#turns.keys()].filter(isMeant));
  }

  /** A lock that is held, of somebody with whom nothing is being done yet. */
  pickHeld(isMeant: (lock: Held) => boolean): { readonly place: Place; readonly lock: Held } | undefined {
    const turn = this.pickTurn((each) => this.#heldBy(each).some(({ lock }) => isMeant(lock)));
    return turn && this.random.oneOf(this.#heldBy(turn).filter(({ lock }) => isMeant(lock)));
  }

  pickStranger(): Stranger | undefined {
    return this.#pick([...this.#strangers]);
  }

  makeStranger(keyOf: (label: string) => string): Stranger {
    this.#count += 1;
    // As Go's are called: by a lease.
    const label = (0x7000_0000 + this.#count).toString(16);
    const stranger = new Stranger(this.client, label, keyOf(label));
    this.#strangers.add(stranger);
    this.#busy.add(stranger);
    return stranger;
  }

  dismiss(stranger: Stranger): void {
    this.#strangers.delete(stranger);
    this.model.leave(stranger);
  }

  /** All of its waits end, and all of its locks are given back. Another one takes its place. */
  async closeManager(number: number): Promise<void> {
    const manager = this.managers[number];
    const turns = [...this.#turns].filter(([, each]) => each === manager).map(([turn]) => turn);
    for (const turn of turns) this.leave(turn);
    await manager?.close();
    for (const turn of turns) assert.equal(await turn.wait(), turn.taken !== undefined);
    this.managers[number] = this.#makeManager(number);
  }

  nextLabel(): string {
    this.#count += 1;
    return `r${this.#count}`;
  }

  /** One of ours asks for locks. */
  enter(options: TurnOptions, manager: LockManager | undefined): Turn {
    const turn = new Turn(options, ({ label, limit, taken }) => {
      try {
        for (const lock of taken?.locks ?? []) this.#exclusion.enter(label, limit, lock);
      } catch (error) {
        this.#failures.push(error);
      }
    });
    this.#turns.set(turn, manager);
    this.#busy.add(turn);
    this.model.enter(turn, turn.names);
    return turn;
  }

  /** It has left all lines, or is leaving them. */
  leave(turn: Turn): void {
    this.#turns.delete(turn);
    this.model.leave(turn);
  }

  /** What is stored of the entry of a place, as of the last time that everything had come to rest. */
  entryOf({ name, contender }: Place): StoredPlace {
    const entry = this.#stored.get(name)?.entries.find(({ label }) => label === contender.label);
    assert.ok(entry, `${contender.label} has no entry in ${name}`);
    return entry;
  }

  /**
   * Resolves when etcd is as the model has it, and everybody has been told what he must have been.
   *
   * @throws Error when that is not so within `patienceMs`, or cannot become so.
   */
  async comeToRest(patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
      const { lines, revision } = await readStoredLines(this.client, this.#prefix, this.names);
      const difference = this.model.settle(lines, revision) ?? this.#whoIsNotTold(lines);
      const [failure] = this.#failures;
      if (failure !== undefined) throw failure;
      if (difference === undefined) {
        this.#stored = lines;
        this.#busy.clear();
        return;
      }
      if (performance.now() > deadline) throw new Error(`${difference}, for ${patienceMs} ms`);
      await delay(pauseMs);
    }
  }

  #heldBy(turn: Turn): readonly { readonly place: Place; readonly lock: Held }[] {
    if (turn.taken === undefined) return [];
    const places = this.model.placesOf(turn).filter(({ state }) => state === "inside");
    return places.map((place) => ({ place, lock: turn.lockOf(place.name) }));
  }

  #pick<Item extends Contender>(candidates: readonly Item[]): Item | undefined {
    const idle = candidates.filter((candidate) => !this.#busy.has(candidate));
    if (idle.length === 0) return undefined;
    const picked = this.random.oneOf(idle);
    this.#busy.add(picked);
    return picked;
  }

  #whoIsNotTold(lines: ReadonlyMap<string, StoredLine>): string | undefined {
    for (const turn of this.#turns.keys()) {
      const isServed = this.model.isServed(turn);
      if (isServed !== (turn.taken !== undefined)) return `${turn.label} must ${isServed ? "" : "not "}be served`;
      for (const { name, state } of isServed ? this.model.placesOf(turn) : []) {
        const lock = turn.lockOf(name);
        if (lock.isHeld() !== (state === "inside")) return `${turn.label} must be ${state} in ${name}`;
        const record = lines.get(name)?.records.find(({ label }) => label === turn.label);
        assert.equal(lock.token, record?.createRevision, `the token of ${turn.label} in ${name}`);
      }
    }
    return undefined;
  }
}
