import { type Comparison, createdAt, writtenAt } from "../etcd/transaction.ts";
import { type Admission, type Entry, entryKey, recordKey } from "./entry.ts";

/** That an entry is ours, and as we last wrote it. */
export function isAsWeLeftIt(entry: Entry): readonly Comparison[] {
  return isAsWritten(entryKey(entry), entry);
}

/** That an entry is as it was seen. */
export function isAsWritten(
  key: string,
  { createRevision, modRevision }: Pick<Entry, "createRevision" | "modRevision">,
): readonly Comparison[] {
  return [createdAt(key, createRevision), writtenAt(key, modRevision)];
}

/** That an entry is ours, as we last wrote it, and inside. */
export function isHeldAsWeLeftIt({ entry, fencingToken }: Admission): readonly Comparison[] {
  return [...isAsWeLeftIt(entry), createdAt(recordKey(entry), fencingToken)];
}

/** That an entry is ours, and inside, whatever we may be writing into it. */
export function isHeld({ entry, fencingToken }: Admission): readonly Comparison[] {
  return [createdAt(entryKey(entry), entry.createRevision), createdAt(recordKey(entry), fencingToken)];
}
