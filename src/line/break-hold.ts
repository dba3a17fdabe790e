import type { CallOptions, EtcdClient } from "../etcd/etcd-client.ts";
import { createdAt, remove } from "../etcd/transaction.ts";
import { inspectLine } from "./inspect-line.ts";
import type { LineName } from "./line-name.ts";

/**
 * Removes the entry of exactly the holder with this fencing token (of a foreign one: with this create revision). Its hold
 * record stays: the next in line enters when the holder, who is told at once, has removed it, or has been outlived.
 *
 * @returns whether there was such a holder.
 */
export async function breakHold(
  client: EtcdClient,
  line: LineName,
  fencingToken: bigint,
  options: CallOptions,
): Promise<boolean> {
  const { entries } = await inspectLine(client, line, options);
  const holder = entries.find(
    (entry) => entry.state === "holding" && (entry.fencingToken ?? entry.createRevision) === fencingToken,
  );
  if (holder === undefined) return false;
  const isThere = createdAt(holder.key, holder.createRevision);
  const answer = await client.transact({ compare: [isThere], success: [remove(holder.key)], failure: [] }, options);
  return answer.succeeded || answer.unsettled;
}
