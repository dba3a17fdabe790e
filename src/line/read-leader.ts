import type { CallOptions, EtcdClient } from "../etcd/etcd-client.ts";
import { keyValuesOf, range } from "../etcd/transaction.ts";
import type { LineName } from "./line-name.ts";
import { toHoldRecord } from "./line-view.ts";

/** Who leads an election. */
export interface Leader {
  /** What the leader proclaims. */
  readonly value: string;
  /** The etcd key of its entry. */
  readonly key: string;
  readonly leaseId: bigint;
  readonly createRevision: bigint;
  /** Of the last proclamation. */
  readonly modRevision: bigint;
}

/**
 * The leader: the owner of the oldest entry, also of a foreign one; `null` while there is none, or while the leader
 * before may still believe that it leads.
 */
export async function readLeader(client: EtcdClient, line: LineName, options: CallOptions): Promise<Leader | null> {
  const { entries, records } = line;
  const success = [
    range(entries.key, { rangeEnd: entries.rangeEnd, byCreateRevision: "ascending" }),
    range(records.key, { rangeEnd: records.rangeEnd }),
  ];
  const { results } = await client.transact({ compare: [], success, failure: [] }, options);
  const first = keyValuesOf(results, 0).find(({ key }) => line.suffixOfEntry(key) !== undefined);
  if (first === undefined) return null;
  const suffix = line.suffixOfEntry(first.key);
  const holds = keyValuesOf(results, 1).flatMap((keyValue) => toHoldRecord(line, keyValue));
  if (holds.some((hold) => hold.suffix !== suffix)) return null;
  const { key, leaseId, createRevision, modRevision } = first;
  return { value: Buffer.from(first.value).toString(), key, leaseId, createRevision, modRevision };
}
