import { isDeepStrictEqual } from "node:util";
import { describeStored, type StoredLine } from "./stored-lines.ts";

/** Whoever stands in lines: one of ours, or somebody else. */
export interface Contender {
  /** By which its keys are known. */
  readonly label: string;
  /** With how many, itself included, it can be inside. */
  readonly limit: number;
  /** It enters by the admission rule, and writes hold records. */
  readonly isOurs: boolean;
  /** Its entry does not say who it is. */
  readonly isSilent: boolean;
}

/** One contender in one line. */
export interface Place {
  readonly contender: Contender;
  readonly name: string;
  /** `orphan`: its entry is gone, or has become somebody else's, and it has not said yet that it has stopped. */
  readonly state: "waiting" | "inside" | "orphan";
  /** At which its entry was created; `undefined` until that has been seen. */
  readonly revision: bigint | undefined;
  /** What its metadata says. */
  readonly note: number | undefined;
}

/** What lines must be like: an order by create revision, and the admission rule. */
export class LineModel {
  readonly #names: readonly string[];
  #places: readonly Place[] = [];
  #seenRevision = 0n;
  readonly #served = new Set<Contender>();
  readonly #highestTokens = new Map<string, bigint>();

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Everybody, line by line, in order. */
  get places(): readonly Place[] {
    return this.#places;
  }

  placesOf(contender: Contender): readonly Place[] {
    return this.#places.filter((place) => place.contender === contender);
  }

  /** Whether a contender has got all it asked for. */
  isServed(contender: Contender): boolean {
    return this.#served.has(contender);
  }

  /** Whether somebody who comes now need not wait. */
  isFree(name: string, limit: number): boolean {
    const line = this.#places.filter((place) => place.name === name).map(({ contender }) => contender);
    return isLetIn([...line.map((contender) => contender.limit), limit]);
  }

  /** It stands at the ends of these lines from now on, and nowhere else, in an order that etcd decides. */
  enter(contender: Contender, names: readonly string[]): void {
    this.leave(contender);
    const fresh = { contender, state: "waiting", revision: undefined, note: undefined } as const;
    this.#places = [...this.#places, ...names.map((name) => ({ ...fresh, name }))];
  }

  leave(contender: Contender, name?: string): void {
    const isLeft = (place: Place): boolean =>
      place.contender === contender && (name === undefined || place.name === name);
    this.#places = this.#places.filter((place) => !isLeft(place));
  }

  note(place: Place, note: number): void {
    this.#replace(place, { ...place, note });
  }

  /** Entries are gone. Who was inside is an orphan there; who waited gives up all its places, and enters anew. */
  loseEntries(lost: readonly Place[]): void {
    for (const place of lost) {
      const { contender } = place;
      if (place.state === "inside") this.#replace(place, { ...place, state: "orphan" });
      else if (this.#places.includes(place)) {
        this.enter(
          contender,
          this.placesOf(contender).map(({ name }) => name),
        );
      }
    }
  }

  /** Somebody else has written into an entry, and stands in its place. */
  overwrite(place: Place, stranger: Contender): void {
    this.loseEntries([place]);
    this.#places = [...this.#places, { ...place, contender: stranger, state: "waiting", note: undefined }];
  }

  /**
   * Compares the lines with what is stored at `revision`. `undefined` when they are as they must be: from then on the model
   * knows what etcd has decided. Otherwise says what is not so, or not yet.
   *
   * @throws Error when a fencing token does not grow.
   */
  settle(stored: ReadonlyMap<string, StoredLine>, revision: bigint): string | undefined {
    const settled: Place[] = [];
    for (const name of this.#names) {
      const line = stored.get(name) ?? { entries: [], records: [] };
      const places = this.#arrange(name, line);
      const [expected, actual] = [places.flatMap(describe), describeStored(line)];
      if (!isDeepStrictEqual(actual, expected)) return `${name} is ${actual.join(" ")}; must be ${expected.join(" ")}`;
      settled.push(...places);
    }
    this.#checkTokens(settled, stored);
    this.#places = settled;
    this.#seenRevision = revision;
    for (const { contender } of settled) {
      if (this.placesOf(contender).every(({ state }) => state !== "waiting")) this.#served.add(contender);
    }
    return undefined;
  }

  /** A line in order, in which everybody is inside who must be by now. */
  #arrange(name: string, { entries }: StoredLine): readonly Place[] {
    const places = this.#places
      .filter((place) => place.name === name)
      .map((place) => {
        if (place.revision !== undefined) return place;
        const entry = entries.find(({ label }) => label === place.contender.label);
        const isNew = entry !== undefined && entry.createRevision > this.#seenRevision;
        return isNew ? { ...place, revision: entry.createRevision } : place;
      });
    const line = places.toSorted((one, other) => rank(one) - rank(other));
    return line.map((place, index) => {
      const limits = line.slice(0, index + 1).map(({ contender }) => contender.limit);
      const isEntering = place.state === "waiting" && place.contender.isOurs && isLetIn(limits);
      return isEntering ? { ...place, state: "inside" } : place;
    });
  }

  /** They grow from one settled state to the next; who came in together has them in any order. */
  #checkTokens(settled: readonly Place[], stored: ReadonlyMap<string, StoredLine>): void {
    const before = new Set(this.#places.filter(({ state }) => state !== "waiting").map(identify));
    const entered = settled.filter((place) => place.state === "inside" && !before.has(identify(place)));
    const tokens = entered.map(({ name, contender }) => {
      const record = stored.get(name)?.records.find(({ label }) => label === contender.label);
      return { name, token: record?.createRevision ?? 0n };
    });
    for (const { name, token } of tokens) {
      const highest = this.#highestTokens.get(name) ?? 0n;
      if (token <= highest) throw new Error(`a holder of ${name} has token ${token}, after ${highest}`);
    }
    for (const { name, token } of tokens) {
      if (token > (this.#highestTokens.get(name) ?? 0n)) this.#highestTokens.set(name, token);
    }
  }

  #replace(place: Place, by: Place): void {
    this.#places = this.#places.map((each) => (each === place ? by : each));
  }
}

/** Whether the last of a line is let in: everybody ahead, and it itself, tolerate as many as they would be. */
function isLetIn(limits: readonly number[]): boolean {
  return limits.every((limit) => limits.length <= limit);
}

/** What must be stored of a place, as {@link describeStored} says it. */
function describe({ contender: { label, limit }, state, revision, note }: Place): readonly string[] {
  const limited = limit === 1 ? label : `${label}×${limit}`;
  const text = note === undefined ? limited : `${limited}#${note}`;
  return [
    ...(state === "orphan" ? [] : [`${text}@${revision}`]),
    ...(state === "waiting" ? [] : [`[${text}]@${revision}`]),
  ];
}

function identify({ name, contender }: Place): string {
  return `${name} ${contender.label}`;
}

/** Who has not been seen yet comes last; what is left of somebody comes after who has its place now. */
function rank({ revision, state }: Place): number {
  return revision === undefined ? Number.POSITIVE_INFINITY : Number(revision) + (state === "orphan" ? 0.5 : 0);
}
