import assert from "node:assert/strict";
import type { Program } from "./programs.ts";

/** One hold of a lock, as its owner saw it. Times are in nanoseconds of one clock. */
export interface HoldSpan {
  readonly owner: string;
  readonly from: bigint;
  /** The last time at which it was certainly held. */
  readonly until: bigint;
  readonly token: bigint;
  readonly ending: string;
}

/** The holds that a contender (`fixtures/contend`) has told of so far. */
export function readHolds(owner: string, { lines }: Program): HoldSpan[] {
  return lines.flatMap(({ text }) => {
    const [, from, until, token, ending] = /^hold (\d+) (\d+) (\d+) (.+)$/.exec(text) ?? [];
    if (from === undefined || until === undefined || token === undefined || ending === undefined) return [];
    return [{ owner, from: BigInt(from), until: BigInt(until), token: BigInt(token), ending }];
  });
}

/** Throws unless every hold began after the one before had ended, with a larger token. */
export function assertOneAtATime(holds: readonly HoldSpan[]): void {
  const sorted = holds.toSorted((left, right) => (left.from < right.from ? -1 : 1));
  for (const [index, hold] of sorted.slice(1).entries()) {
    const before = sorted[index];
    assert.ok(before);
    const overlapMs = Number(before.until - hold.from) / 1e6;
    assert.ok(overlapMs <= 0, `${describe(hold)} began ${overlapMs} ms before the end of ${describe(before)}`);
    assert.ok(hold.token > before.token, `${describe(hold)} came after ${describe(before)}`);
  }
}

function describe({ owner, token, ending }: HoldSpan): string {
  return `the hold of ${owner} with token ${token} (${ending})`;
}
