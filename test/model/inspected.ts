import type { Line } from "#dist/index.js";
import type { Place } from "./line-model.ts";

/** What `inspect` says of a line: who each is, and whether it holds. First those whose entries are gone, in no order. */
export function describeInspected({ entries }: Line): readonly string[] {
  const orphans = entries.filter(({ state }) => state === "orphan");
  const others = entries.slice(orphans.length).map(({ id, state }) => `${id ?? "somebody"} ${state}`);
  return [...orphans.map(({ id }) => `${id} orphan`).sort(), ...others];
}

/** What it must say. */
export function inspectedAs(line: readonly Place[]): readonly string[] {
  const entries = line.filter(({ state }) => state !== "orphan");
  const gone = line.filter(({ state }) => state === "orphan");
  const successorOf = (orphan: Place): Place | undefined =>
    entries.find(({ revision }) => revision === orphan.revision);
  const orphans = gone.filter((orphan) => successorOf(orphan) === undefined);
  const others = entries.map((place, index) => {
    // Whoever has written into the entry of a holder is seen as that holder, until it has stopped.
    const holder = place.state === "inside" ? place : gone.find((orphan) => successorOf(orphan) === place);
    if (holder !== undefined) return `${holder.contender.label} holding`;
    if (!place.contender.isSilent) return `${place.contender.label} waiting`;
    return `somebody ${index === 0 ? "holding" : "waiting"}`;
  });
  return [...orphans.map(({ contender }) => `${contender.label} orphan`).sort(), ...others];
}
