import type { Held } from "./turn.ts";

interface Stay {
  readonly who: string;
  readonly limit: number;
  readonly lock: Held;
}

/** Who is inside, as the holders themselves believe, from the moment that they are told. */
export class Exclusion {
  readonly #stays = new Map<string, readonly Stay[]>();

  /** @throws Error when somebody is inside who does not tolerate it. */
  enter(who: string, limit: number, lock: Held): void {
    const others = this.#stays.get(lock.name) ?? [];
    const inside = [...others, { who, limit, lock }].filter((stay) => stay.lock.isHeld());
    this.#stays.set(lock.name, inside);
    if (inside.every((stay) => inside.length <= stay.limit)) return;
    throw new Error(
      `${lock.name} is held by ${inside.map((stay) => `${stay.who} (limit ${stay.limit})`).join(" and ")}`,
    );
  }
}
