import type { EtcdModel } from "./etcd-model.ts";

/** What a leader knows of leases, by its own clock: who renews them at it, and which have run out. */
export class Lessor {
  readonly #now: () => number;
  readonly #expiries = new Map<bigint, { readonly ttl: bigint; expiresAt: number }>();

  /** A new leader starts every lease afresh. */
  constructor(model: EtcdModel, now: () => number) {
    this.#now = now;
    this.learn(model);
  }

  /** Takes up the leases that it does not know yet, and drops those that have ended. */
  learn({ leases }: EtcdModel): void {
    for (const [id, { ttl }] of leases) if (!this.#expiries.has(id)) this.add(id, ttl);
    for (const id of this.#expiries.keys()) if (!leases.has(id)) this.remove(id);
  }

  add(id: bigint, ttl: bigint): void {
    this.#expiries.set(id, { ttl, expiresAt: this.#now() + Number(ttl) * 1_000 });
  }

  remove(id: bigint): void {
    this.#expiries.delete(id);
  }

  /** The TTL for which the lease goes on; 0 when there is none. */
  renew(id: bigint): bigint {
    const lease = this.#expiries.get(id);
    if (lease === undefined) return 0n;
    lease.expiresAt = this.#now() + Number(lease.ttl) * 1_000;
    return lease.ttl;
  }

  expired(): bigint[] {
    const now = this.#now();
    return [...this.#expiries].filter(([, { expiresAt }]) => expiresAt <= now).map(([id]) => id);
  }
}
