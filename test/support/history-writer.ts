import type { Family, HistoryEvent, ProcessChanged } from "../../faults/history/event.ts";

type Place = { readonly name?: string; readonly key?: string };

interface Entering extends Place {
  readonly at: number;
  readonly token: number;
  readonly limit?: number | null;
  readonly createRevision?: number;
}

interface Stay extends Omit<Entering, "at"> {
  readonly from: number;
  readonly until: number;
  readonly requestedAt?: number;
  readonly family?: Family;
  readonly lostAt?: number;
  readonly wasHeld?: boolean;
}

/** Writes histories of the fault test by hand. Locks are called `/lock` unless another name is given. */
export class HistoryWriter {
  readonly #ttlSeconds: number;
  readonly #events: HistoryEvent[] = [];
  readonly #requested = new Set<string>();

  constructor(ttlMs: number) {
    this.#ttlSeconds = ttlMs / 1_000;
  }

  request(
    attempt: string,
    { at, name = "/lock", family = "own" }: { at: number; name?: string; family?: Family },
  ): void {
    this.#requested.add(attempt);
    this.#add({ kind: "requested", at, attempt, who: attempt.split("/")[0] ?? "", names: [name], family });
  }

  wait(attempt: string, { at, name = "/lock", key = "" }: Place & { at: number }): void {
    this.#add({ kind: "waiting", at, attempt, name, key });
  }

  /** From now on, inside. */
  enter(attempt: string, { at, token, name = "/lock", limit = 1, key, createRevision }: Entering): void {
    this.#add({
      ...{ kind: "entered", at, attempt, name, token: String(token), limit, key, ttlSeconds: this.#ttlSeconds },
      createRevision: createRevision === undefined ? undefined : String(createRevision),
    });
    this.believe(attempt, at + 1, name);
  }

  believe(attempt: string, at: number, name = "/lock"): void {
    this.#add({ kind: "believed", at, attempt, name });
  }

  lose(attempt: string, at: number, name = "/lock"): void {
    this.#add({ kind: "lost", at, attempt, name, reason: "deadline" });
  }

  /** All of one stay, from the request to the release. */
  hold(
    attempt: string,
    { from, until, requestedAt = from - 50, lostAt, wasHeld = true, name = "/lock", ...stay }: Stay,
  ): void {
    if (!this.#requested.has(attempt)) {
      this.request(attempt, { at: requestedAt, name, family: stay.family ?? "own" });
    }
    this.enter(attempt, { ...stay, at: from, name });
    this.believe(attempt, until, name);
    if (lostAt !== undefined) this.lose(attempt, lostAt, name);
    const leftAt = Math.max(until, lostAt ?? 0);
    this.#add({ kind: "left", at: leftAt, attempt, name });
    this.#add({ kind: "released", at: leftAt, attempt, name, wasHeld });
    this.#add({ kind: "ended", at: leftAt, attempt, reason: "done" });
  }

  /** A command, which is a process of its own. */
  command(attempt: string, { from, until, token }: { from: number; until: number; token: number }): void {
    this.#requested.add(attempt);
    this.#add({ kind: "requested", at: from - 50, attempt, who: attempt, names: ["/lock"], family: "own" });
    this.enter(attempt, { at: from, token });
    this.believe(attempt, until);
  }

  write(attempt: string, result: { at: number; token: number; isAccepted: boolean; wasInside: boolean }): void {
    this.#add({ ...result, kind: "written", attempt, name: "/lock", token: String(result.token) });
  }

  process(who: string, change: ProcessChanged["change"], at: number): void {
    this.#add({ kind: "process", at, who, pid: 1, change });
  }

  touch(key: string, at: number): void {
    this.#add({ kind: "touched", at, key });
  }

  erase(key: string, at: number): void {
    this.#add({ kind: "erased", at, key });
  }

  calm(at: number, until: number): void {
    this.#add({ kind: "calm", at, until });
  }

  starve(at: number): void {
    this.#add({ kind: "starved", at, lengthMs: 150 });
  }

  leave(what: string, at: number): void {
    this.#add({ kind: "leftover", at, what, isOfTime: true });
  }

  /** The whole history, in order of time, of a run that came to its end. */
  end(): readonly HistoryEvent[] {
    const events = this.#events.toSorted((a, b) => a.at - b.at);
    const ttlSeconds = this.#ttlSeconds;
    const end = (events.at(-1)?.at ?? 0) + 1;
    const mark = { kind: "run", ttlSeconds } as const;
    return [{ ...mark, mark: "begun", at: -100 }, ...events, { ...mark, mark: "over", at: end }];
  }

  #add(event: HistoryEvent): void {
    this.#events.push(event);
  }
}
