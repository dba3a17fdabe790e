import type { Span, Story } from "./story.ts";

/** When the hold records of each line stood, from their first touch to when they were deleted, as etcd showed it. */
export function recordsByName({ touches, erasures }: Story): ReadonlyMap<string, readonly Span[]> {
  const byName = new Map<string, Span[]>();
  for (const [key, [from]] of touches) {
    if (from === undefined) continue;
    const name = key.slice(0, key.lastIndexOf("!"));
    const record = { from, until: erasures.get(key) ?? Number.POSITIVE_INFINITY };
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [record]);
    else others.push(record);
  }
  return byName;
}
