/*
 * When a command that cannot be sure of its lock any more has to be stopped:
 *
 *   renewal sent                     stop          kill     deadline       lease ends
 *        |- - - - - - - - - - - - - - -|-------------|----------|- - - - - - - - -|
 *                                        kill-after    reserve        margin
 *
 * The deadline, and the margin after it, are the library's: nobody else can have been admitted before the deadline.
 */

/**
 * What the library keeps between a deadline and the end of the lease, and after that until others go on, in milliseconds:
 * see docs/design.md, "What we rely on, we wrote".
 */
export function deadlineMarginMs(ttlMs: number): number {
  return Math.max(ttlMs / 10, 150);
}

/** The time left for SIGKILL to take effect before the deadline, in milliseconds. */
export function killReserveMs(ttlSeconds: number): number {
  return Math.max(ttlSeconds * 20, 100);
}

/** The time between SIGTERM and SIGKILL when none was asked for, in milliseconds. */
export function defaultKillAfterMs(ttlSeconds: number): number {
  return Math.min(5_000, ttlSeconds * 100);
}

/** How long before the deadline the command has to be stopped, in milliseconds. */
export function stopMarginMs(ttlSeconds: number, killAfterMs: number): number {
  return killAfterMs + killReserveMs(ttlSeconds);
}

/** How long after the sending of a renewal the command has to be stopped when no other follows, in milliseconds. */
export function stopAfterMs(ttlSeconds: number, killAfterMs: number): number {
  const ttlMs = ttlSeconds * 1_000;
  return ttlMs - deadlineMarginMs(ttlMs) - stopMarginMs(ttlSeconds, killAfterMs);
}
