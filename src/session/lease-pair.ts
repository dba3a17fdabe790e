import { randomBytes } from "node:crypto";
import { EtcdRefusedError, EtcdUnavailableError } from "../errors.ts";
import type { CallOptions, EtcdClient, LeaseAnswer } from "../etcd/etcd-client.ts";
import { recordLeaseTtl } from "./deadline.ts";

/** For how long a lease that nobody wants is tried to be ended, in milliseconds. */
const revokeTimeoutMs = 1_000;
/** So many leases are asked for, when one after the other has ended before it was answered. */
const mostGrants = 5;

/** The two leases of a session, and the answer to the grant of the first. */
export interface LeasePair {
  /** Of the entries: ends when the session is not renewed for a TTL. */
  readonly entries: bigint;
  /** Of the hold records: outlives the first by far. */
  readonly records: bigint;
  readonly granted: LeaseAnswer;
}

export async function grantLeasePair(client: EtcdClient, ttl: number, options: CallOptions): Promise<LeasePair> {
  const grants = [grantLease(client, ttl, options), grantLease(client, recordLeaseTtl(ttl), options)] as const;
  try {
    const [entries, records] = await Promise.all(grants);
    return { entries: entries.id, records: records.id, granted: entries.granted };
  } catch (error) {
    for (const grant of grants) grant.then(({ id }) => revokeLater(client, id)).catch(() => {});
    throw error;
  }
}

/**
 * Gets a lease with an id of our choice. A grant may have been carried out though its answer was lost: then the next try
 * finds the lease, by its id; or it has ended in the meantime, and another is asked for.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError, the signal's reason.
 */
export async function grantLease(client: EtcdClient, ttl: number, options: CallOptions): Promise<GrantedLease> {
  for (let tries = 0; tries < mostGrants; tries += 1) {
    const id = randomLeaseId();
    try {
      const granted = await grantOrFind(client, id, ttl, options);
      if (granted.ttl > 0) return { id, granted };
    } catch (error) {
      revokeLater(client, id);
      throw error;
    }
    revokeLater(client, id);
  }
  throw new EtcdUnavailableError("whatever lease etcd granted had ended before it was answered", []);
}

async function grantOrFind(client: EtcdClient, id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer> {
  try {
    return await client.grantLease(id, ttl, options);
  } catch (error) {
    if (!isLeaseThere(error)) throw error;
    return await client.keepAlive(id, options);
  }
}

/** Asks the whole cluster whether a lease is there: by granting one with its id. */
export async function isLeaseHeld(client: EtcdClient, id: bigint, ttl: number, options: CallOptions): Promise<boolean> {
  try {
    await client.grantLease(id, ttl, options);
    // What is still on its way must not find the lease there: nobody would take it away.
    revokeLater(client, id);
    return false;
  } catch (error) {
    if (isLeaseThere(error)) return true;
    throw error;
  }
}

/** What etcd says to a grant with the id of a lease that is there. */
function isLeaseThere(error: unknown): boolean {
  return error instanceof EtcdRefusedError && error.status === "FAILED_PRECONDITION";
}

/** Ends a lease that nobody wants. Whether it is there, or will be, need not be known: it must not stay for many TTLs. */
export function revokeLater(client: EtcdClient, id: bigint): void {
  client.revokeLease(id, { timeoutMs: revokeTimeoutMs }).catch(() => {});
}

export interface GrantedLease {
  readonly id: bigint;
  readonly granted: LeaseAnswer;
}

/** A random positive 63-bit number, hard to guess: who knows a lease's id can end it. */
function randomLeaseId(): bigint {
  return BigInt.asUintN(63, randomBytes(8).readBigUInt64BE()) || 1n;
}
