/** When everything has healed, whoever has died ends in etcd within this time: leases, and the wait for an orphan. */
export function leaseTimeMs(ttlMs: number): number {
  return ttlMs * 1.1 + 1_000;
}

/** For how long a renewal is good, from when it was sent: the TTL, less a tenth of it and at least 150 ms. */
export function holdTimeMs(ttlMs: number): number {
  return ttlMs - Math.max(ttlMs * 0.1, 150);
}
