import type { Family, HistoryEvent, ProcessChanged } from "../history/event.ts";

/** Somebody was inside. Times are in milliseconds, by the clock of the history. */
export interface Hold {
  readonly attempt: Attempt;
  readonly name: string;
  readonly token: bigint;
  readonly limit: number;
  readonly key: string | undefined;
  readonly createRevision: bigint | undefined;
  readonly ttlMs: number;
  readonly from: number;
  /** When somebody was last seen to believe, or to live, inside. */
  until: number;
  leftAt: number | undefined;
  released: { readonly at: number; readonly wasHeld: boolean | null } | undefined;
  readonly losses: { readonly at: number; readonly reason: string }[];
}

/** Somebody wanted to be inside. */
export interface Attempt {
  readonly id: string;
  readonly who: string;
  readonly family: Family;
  readonly names: readonly string[];
  readonly requestedAt: number;
  readonly waits: { readonly at: number; readonly name: string; readonly key: string }[];
  readonly holds: Hold[];
  ended: { readonly at: number; readonly reason: string } | undefined;
}

export interface FaultSpan {
  readonly number: number;
  readonly fault: string;
  readonly from: number;
  until: number;
  readonly note: string;
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

/** A history, put together. */
export interface Story {
  readonly from: number;
  readonly until: number;
  readonly ttlMs: number;
  readonly attempts: ReadonlyMap<string, Attempt>;
  readonly holds: readonly Hold[];
  readonly processes: ReadonlyMap<string, readonly ProcessChanged[]>;
  readonly faults: readonly FaultSpan[];
  readonly skipped: readonly { readonly fault: string; readonly note: string }[];
  readonly calms: readonly Span[];
  /** When processes did not run, by who they are. */
  readonly gaps: ReadonlyMap<string, readonly Span[]>;
  /** When hold records were seen to be written, by key. */
  readonly touches: ReadonlyMap<string, readonly number[]>;
  /** When hold records were seen to stand, by the names of their locks. */
  readonly records: ReadonlyMap<string, readonly Span[]>;
  readonly blind: readonly number[];
  readonly writes: readonly Extract<HistoryEvent, { kind: "written" }>[];
  readonly starved: readonly Extract<HistoryEvent, { kind: "starved" }>[];
  readonly leftovers: readonly Extract<HistoryEvent, { kind: "leftover" }>[];
  readonly isOver: boolean;
}

/** Puts events, in order of time, together. What its writer could not finish is left out. */
export function tellStory(events: readonly HistoryEvent[]): Story {
  const teller = new StoryTeller();
  for (const event of events) teller.add(event);
  const from = events[0]?.at ?? 0;
  return teller.story(from, events.at(-1)?.at ?? from);
}

class StoryTeller {
  readonly #attempts = new Map<string, Attempt>();
  readonly #holds: Hold[] = [];
  readonly #processes = new Map<string, ProcessChanged[]>();
  readonly #faults = new Map<number, FaultSpan>();
  readonly #gaps = new Map<string, Span[]>();
  readonly #touches = new Map<string, number[]>();
  readonly #records = new Map<string, Span[]>();
  readonly #standing = new Map<string, { from: number; until: number }>();
  readonly #plain = {
    skipped: [] as { fault: string; note: string }[],
    calms: [] as Span[],
    blind: [] as number[],
    writes: [] as Story["writes"][number][],
    starved: [] as Story["starved"][number][],
    leftovers: [] as Story["leftovers"][number][],
  };
  #ttlMs = 0;
  #isOver = false;

  add(event: HistoryEvent): void {
    if ("attempt" in event) this.#addToAttempt(event);
    else this.#addToRun(event);
  }

  story(from: number, until: number): Story {
    return {
      ...this.#plain,
      from,
      until,
      ttlMs: this.#ttlMs,
      attempts: this.#attempts,
      holds: this.#holds,
      processes: this.#processes,
      faults: [...this.#faults.values()],
      gaps: this.#gaps,
      touches: this.#touches,
      records: this.#records,
      isOver: this.#isOver,
    };
  }

  #addToAttempt(event: Extract<HistoryEvent, { attempt: string }>): void {
    if (event.kind === "requested") {
      const { attempt: id, at: requestedAt, who, family, names } = event;
      this.#attempts.set(id, { id, who, family, names, requestedAt, waits: [], holds: [], ended: undefined });
      return;
    }
    if (event.kind === "written") this.#plain.writes.push(event);
    const attempt = this.#attempts.get(event.attempt);
    if (attempt === undefined) return;
    if (event.kind === "waiting") attempt.waits.push(event);
    else if (event.kind === "entered") this.#enter(attempt, event);
    else if (event.kind === "ended") attempt.ended = event;
    else this.#addToHold(attempt, event);
  }

  #enter(attempt: Attempt, event: Extract<HistoryEvent, { kind: "entered" }>): void {
    const { name, token, limit, key, createRevision, ttlSeconds, at } = event;
    const hold: Hold = {
      ...{ attempt, name, key, token: BigInt(token), limit: limit ?? Number.POSITIVE_INFINITY },
      createRevision: createRevision === undefined ? undefined : BigInt(createRevision),
      ...{ ttlMs: ttlSeconds * 1_000, from: at, until: at, leftAt: undefined, released: undefined, losses: [] },
    };
    attempt.holds.push(hold);
    this.#holds.push(hold);
  }

  #addToHold(attempt: Attempt, event: Extract<HistoryEvent, { name: string; attempt: string }>): void {
    const hold = attempt.holds.find(({ name }) => name === event.name);
    if (hold === undefined) return;
    if (event.kind === "believed") hold.until = event.at;
    else if (event.kind === "lost") hold.losses.push(event);
    else if (event.kind === "left") hold.leftAt = event.at;
    else if (event.kind === "released") hold.released = event;
  }

  #addToRun(event: Exclude<HistoryEvent, { attempt: string }>): void {
    switch (event.kind) {
      case "process":
        append(this.#processes, event.who, event);
        break;
      case "gap":
        append(this.#gaps, event.who, { from: event.at - event.lengthMs, until: event.at });
        break;
      case "touched":
        this.#touch(event);
        break;
      case "erased":
        this.#erase(event);
        break;
      case "fault":
        this.#addFault(event);
        break;
      case "calm":
        this.#plain.calms.push({ from: event.at, until: event.until });
        break;
      case "blind":
        this.#plain.blind.push(event.at);
        break;
      case "starved":
        this.#plain.starved.push(event);
        break;
      case "leftover":
        this.#plain.leftovers.push(event);
        break;
      case "run":
        this.#ttlMs = event.ttlSeconds * 1_000;
        this.#isOver ||= event.mark === "over";
    }
  }

  #touch({ key, at }: Extract<HistoryEvent, { kind: "touched" }>): void {
    append(this.#touches, key, at);
    if (this.#standing.has(key)) return;
    const record = { from: at, until: Number.POSITIVE_INFINITY };
    this.#standing.set(key, record);
    append(this.#records, key.slice(0, key.lastIndexOf("!")), record);
  }

  /** The same key may be written again, for another hold. */
  #erase({ key, at }: Extract<HistoryEvent, { kind: "erased" }>): void {
    const record = this.#standing.get(key);
    if (record !== undefined) record.until = at;
    this.#standing.delete(key);
  }

  #addFault({ number, fault, phase, note, at }: Extract<HistoryEvent, { kind: "fault" }>): void {
    if (phase === "skipped") this.#plain.skipped.push({ fault, note });
    if (phase === "injected") {
      this.#faults.set(number, { number, fault, from: at, until: Number.POSITIVE_INFINITY, note });
    }
    const span = this.#faults.get(number);
    if (phase === "healed" && span !== undefined) span.until = at;
  }
}

function append<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const items = map.get(key);
  if (items === undefined) map.set(key, [item]);
  else items.push(item);
}
