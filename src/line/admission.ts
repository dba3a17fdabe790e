/** What the admission rule needs to know of somebody in a line: with how many, itself included, it can be inside. */
export interface Contender {
  readonly limit: number;
}

/**
 * The admission rule, the only one there is. `ahead` are those ahead in line, first to last, orphans included.
 *
 * An entry is admitted when, for every entry at or ahead of it, its position in line (1 for the first) is at most that
 * entry's limit: everybody ahead, and I, must tolerate as many as we would then be.
 */
export function isAdmitted(ahead: readonly Contender[], own: Contender): boolean {
  const position = ahead.length + 1;
  return position <= own.limit && ahead.every(({ limit }) => position <= limit);
}
