/** The share by which the clocks of two clients may run apart: 10 %. */
const clockRateBound = 0.1;
const leastMarginMs = 150;

/** How much earlier than the TTL the owner stops, and how much later a waiter goes on, in milliseconds. */
export function clockMarginMs(ttlSeconds: number): number {
  return Math.max(ttlSeconds * 1_000 * clockRateBound, leastMarginMs);
}

/** How long after the sending of a proved renewal its owner may rely on it, in milliseconds. */
export function holdTimeMs(ttlSeconds: number): number {
  return ttlSeconds * 1_000 - clockMarginMs(ttlSeconds);
}

/** How long after the last touch it saw a waiter may pass over an orphan, in milliseconds. */
export function orphanWaitMs(ttlSeconds: number): number {
  return ttlSeconds * 1_000 + clockMarginMs(ttlSeconds);
}

/**
 * When to renew, after the last renewal was sent: as often as asked, but early enough to try again before the deadline.
 */
export function renewalIntervalMs(refreshIntervalMs: number, ttlSeconds: number): number {
  return Math.min(refreshIntervalMs, (holdTimeMs(ttlSeconds) * 2) / 3);
}

/** How long after the sending of a proved renewal a hold is at risk: half the TTL, and time for one try. */
export function riskTimeMs(ttlSeconds: number): number {
  return ttlSeconds * 500 + tryTimeoutMs(ttlSeconds);
}

/** How long one endpoint may take to answer one try: at most a second, and a sixth of the TTL. */
export function tryTimeoutMs(ttlSeconds: number): number {
  return Math.min(1_000, (ttlSeconds * 1_000) / 6);
}

/** The TTL of a session's second lease, that of its hold records, in seconds. */
export function recordLeaseTtl(ttlSeconds: number): number {
  return Math.max(ttlSeconds * 10, 600);
}
