import type { Alarm } from "#dist/clock.js";

interface Happening {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/**
 * True time, which passes as fast as it can: in milliseconds, from one happening straight to the next. Between two of
 * them everything that was promised is settled.
 */
export class VirtualTime {
  #now = 0;
  #count = 0;
  /** A heap: each stands before the two at twice its place. */
  readonly #heap: Happening[] = [];

  get now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Alarm {
    this.#count += 1;
    const happening: Happening = { at: this.#now + Math.max(0, delayMs), order: this.#count, callback };
    this.#push(happening);
    return {
      cancel: () => {
        happening.callback = undefined;
      },
    };
  }

  /** Lets time pass until `isOver`, which is asked after each happening, or `limitMs` have gone by. */
  async pass(limitMs: number, isOver: () => boolean = () => false): Promise<void> {
    const end = this.#now + limitMs;
    await settle();
    while (!isOver()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) {
        this.#now = end;
        return;
      }
      this.#pop();
      if (next.callback === undefined) continue;
      this.#now = next.at;
      next.callback();
      await settle();
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, happening)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      let child = heap[below];
      const right = heap[below + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        below += 1;
        child = right;
      }
      if (child === undefined || isBefore(last, child)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
  }
}

function isBefore(left: Happening, right: Happening): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** Resolves when every promise that can settle by itself has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
