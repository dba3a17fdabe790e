import type { Operation } from "../etcd/etcd-client.ts";
import { type KeyValue, range } from "../etcd/transaction.ts";
import { type Entry, entryKey, recordKey, recordValue } from "./entry.ts";
import { parseEntryValue } from "./entry-value.ts";
import type { LineName } from "./line-name.ts";

/** An exclusive waiter of ours, with all that whoever stands just ahead needs to admit it. */
export interface Follower {
  readonly entryKey: string;
  readonly recordKey: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** What its hold record is to say. */
  readonly recordText: string;
  readonly recordLeaseId: bigint;
}

/** A waiter of this process. */
export function asFollower(entry: Entry): Follower {
  return {
    entryKey: entryKey(entry),
    recordKey: recordKey(entry),
    createRevision: entry.createRevision,
    modRevision: entry.modRevision,
    recordText: recordValue(entry),
    recordLeaseId: entry.session.recordLeaseId,
  };
}

/** Reads who stands just behind `entry`. */
export function readFollower({ line: { entries }, createRevision }: Entry): Operation {
  return range(entries.key, {
    rangeEnd: entries.rangeEnd,
    byCreateRevision: "ascending",
    limit: 1,
    minCreateRevision: createRevision + 1n,
  });
}

/** Makes something of what {@link readFollower} has read: nothing, when it is not an exclusive waiter of ours. */
export function parseFollower(line: LineName, [found]: readonly KeyValue[]): Follower | undefined {
  const suffix = found === undefined ? undefined : line.suffixOfEntry(found.key);
  if (found === undefined || suffix === undefined) return undefined;
  const { key, createRevision, modRevision } = found;
  const value = parseEntryValue(found.value);
  const { limit, ttl, recordLease } = value;
  if (limit !== 1 || ttl === undefined || recordLease === undefined) return undefined;
  return {
    entryKey: key,
    recordKey: line.recordKey(suffix),
    createRevision,
    modRevision,
    recordText: recordValue({ value, createRevision }),
    recordLeaseId: recordLease,
  };
}
