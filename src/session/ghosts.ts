import type { CallOptions, EtcdClient } from "../etcd/etcd-client.ts";
import { boundTo, nested, remove } from "../etcd/transaction.ts";

const batchSize = 60;

/**
 * Removes keys that are bound to our leases and belong to no place: what a request wrote that we had given up, and that a
 * stopped or cut-off member carried out long after. Such an entry would block its line for as long as the session lives.
 */
export async function removeGhosts(
  client: EtcdClient,
  leaseIds: readonly bigint[],
  isGhost: (key: string) => boolean,
  options: CallOptions,
): Promise<void> {
  for (const leaseId of leaseIds) {
    const ghosts = (await client.leaseKeys(leaseId, options)).filter(isGhost);
    for (let start = 0; start < ghosts.length; start += batchSize) {
      const batch = ghosts.slice(start, start + batchSize);
      // A key that has moved to another lease meanwhile is none.
      const removals = batch.map((key) =>
        nested({ compare: [boundTo(key, leaseId)], success: [remove(key)], failure: [] }),
      );
      await client.transact({ compare: [], success: removals, failure: [] }, options);
    }
  }
}
