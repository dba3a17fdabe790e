import { nowMs } from "../history/clock.ts";
import type { Recorder } from "../history/recorder.ts";

/** Somebody inside, who can be asked. */
interface Inside {
  readonly attempt: string;
  readonly name: string;
  readonly isInside: () => boolean;
  believedAt: number;
  writtenAt: number;
}

const lookIntervalMs = 5;
const writeIntervalMs = 50;
const gapMs = 100;

/**
 * Asks all who are inside, again and again, whether they believe so, and writes it down. The clock is read before the
 * question: who believes to be inside now was inside then, too.
 */
export class Beliefs {
  readonly #recorder: Recorder;
  readonly #who: string;
  readonly #inside = new Set<Inside>();
  #lookedAt = nowMs();

  constructor(recorder: Recorder, who: string) {
    this.#recorder = recorder;
    this.#who = who;
    setInterval(() => this.#look(), lookIntervalMs).unref();
  }

  /** Asks `isInside` from now on, until the function that is returned is called. */
  follow(attempt: string, name: string, isInside: () => boolean): () => void {
    const inside: Inside = { attempt, name, isInside, believedAt: Number.NEGATIVE_INFINITY, writtenAt: nowMs() };
    this.#inside.add(inside);
    return () => {
      this.#ask(inside);
      this.#inside.delete(inside);
      this.#write(inside);
    };
  }

  #look(): void {
    const now = nowMs();
    const lengthMs = now - this.#lookedAt;
    if (lengthMs > gapMs) this.#recorder.write({ kind: "gap", who: this.#who, lengthMs }, now);
    this.#lookedAt = now;
    for (const inside of this.#inside) {
      this.#ask(inside);
      if (inside.believedAt >= inside.writtenAt + writeIntervalMs) this.#write(inside);
    }
  }

  #ask(inside: Inside): void {
    const at = nowMs();
    if (inside.isInside()) inside.believedAt = at;
  }

  #write(inside: Inside): void {
    const { attempt, name, believedAt } = inside;
    if (believedAt <= inside.writtenAt) return;
    this.#recorder.write({ kind: "believed", attempt, name }, believedAt);
    inside.writtenAt = believedAt;
  }
}
