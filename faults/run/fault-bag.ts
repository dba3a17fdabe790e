import type { Random } from "../../test/support/random.ts";
import type { Fault } from "../faults/fault.ts";

/** Faults to be drawn: first every one of them once, then each as often as its weight says, again and again. */
export class FaultBag {
  readonly part: Fault["part"];
  readonly #faults: readonly Fault[];
  readonly #random: Random;
  readonly #tries = new Map<Fault, number>();
  #left: Fault[];
  #isFirst = true;

  constructor(faults: readonly Fault[], part: Fault["part"], random: Random) {
    this.part = part;
    this.#faults = faults.filter((fault) => fault.part === part);
    this.#random = random;
    this.#left = random.shuffled(this.#faults);
  }

  /** Whether there are no such faults at all. */
  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  /** Whether some fault has not been drawn yet. */
  get isFresh(): boolean {
    return this.#isFirst && this.#left.length > 0;
  }

  draw(): Fault {
    if (this.#left.length === 0) {
      this.#isFirst = false;
      const repeated = this.#faults.flatMap((fault) => Array.from({ length: fault.weight ?? 1 }, () => fault));
      this.#left = this.#random.shuffled(repeated);
    }
    const [fault] = this.#left.splice(0, 1);
    if (fault === undefined) throw new RangeError(`there is no fault of ${this.part}`);
    return fault;
  }

  /** It could not be inflicted: it comes again later, unless that has been tried often enough. */
  putBack(fault: Fault, mostTries: number): void {
    const tries = (this.#tries.get(fault) ?? 0) + 1;
    this.#tries.set(fault, tries);
    if (tries < mostTries) this.#left.push(fault);
  }
}
