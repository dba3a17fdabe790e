/** A time that somebody was inside, on a clock that all of them share. */
export interface Stay {
  readonly from: bigint;
  readonly to: bigint;
}

/** How many were inside at the same time, at most. */
export function mostTogether(stays: readonly Stay[]): number {
  const steps = stays.flatMap(({ from, to }) => [
    { at: from, by: 1 },
    { at: to, by: -1 },
  ]);
  // Whoever left at the very instant at which another came was not there with him.
  steps.sort((a, b) => Number(a.at - b.at) || a.by - b.by);
  let inside = 0;
  let most = 0;
  for (const { by } of steps) {
    inside += by;
    most = Math.max(most, inside);
  }
  return most;
}
