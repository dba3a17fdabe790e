import { leaseTimeMs } from "./lease-time.ts";
import type { Story } from "./story.ts";
import type { Violation } from "./violation.ts";

/** Invariant 3, too: a waiter loses its place in line only by a fault. */
export function checkPlacesKept({ attempts, calms, ttlMs }: Story): readonly Violation[] {
  const isCalm = (at: number): boolean =>
    calms.some(({ from, until }) => at > from + leaseTimeMs(ttlMs) && at <= until);
  return [...attempts.values()].flatMap(({ id, family, waits }) => {
    if (family !== "own") return [];
    const again = waits.find(
      ({ at, name, key }, index) =>
        isCalm(at) && waits.slice(0, index).some((before) => before.name === name && before.key !== key),
    );
    if (again === undefined) return [];
    const text = `${id} lost its place in line, and had to stand in it anew, though no fault lasted`;
    return [{ invariant: 3, at: again.at, name: again.name, attempts: [id], text, isOfTime: true } satisfies Violation];
  });
}
