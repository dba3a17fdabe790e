import type { Hold } from "./story.ts";

/** The holds of each name, in order of their beginnings. */
export function holdsByName(holds: readonly Hold[]): ReadonlyMap<string, readonly Hold[]> {
  const byName = new Map<string, Hold[]>();
  for (const hold of holds) {
    const others = byName.get(hold.name);
    if (others === undefined) byName.set(hold.name, [hold]);
    else others.push(hold);
  }
  for (const each of byName.values()) each.sort((a, b) => a.from - b.from);
  return byName;
}

/** As people read it. */
export function describeHold({ attempt, token }: Hold): string {
  return `${attempt.id} (token ${token})`;
}
