import type { Answer, Operation, OperationResult } from "../etcd/etcd-client.ts";
import { type KeyValue, keyValuesOf, range } from "../etcd/transaction.ts";
import { type Application, entryKey } from "./entry.ts";
import { type EntryValue, parseEntryValue } from "./entry-value.ts";
import type { LineName } from "./line-name.ts";

/** Somebody else's entry in a line. */
export interface OtherEntry {
  readonly suffix: string;
  readonly key: string;
  readonly limit: number;
  readonly createRevision: bigint;
}

/** A hold record: somebody may still be inside. */
export interface HoldRecord {
  readonly suffix: string;
  readonly key: string;
  readonly value: EntryValue;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

/** A line as one waiter needs to see it. */
export interface LineView {
  /** When it was asked for, by {@link Clock.now}. */
  readonly sentAt: number;
  /** Of etcd, when it was read. */
  readonly revision: bigint;
  readonly own: KeyValue | undefined;
  /** Everybody else's entries, oldest first; in a narrow view only the one just ahead, if there is one. */
  readonly others: readonly OtherEntry[];
  readonly records: readonly HoldRecord[];
  /** The narrow view met a key of a deeper name, or entries behind us, and cannot say who is just ahead. */
  readonly isBlurred: boolean;
}

/**
 * How much of a line a view shows. An exclusive waiter can only be first, so what stands just ahead of it is enough: its
 * work does not grow with the line. Everybody else counts.
 */
export type ViewWidth = "narrow" | "wide";

export function viewWidth({ limit }: EntryValue): ViewWidth {
  return limit === 1 ? "narrow" : "wide";
}

/** What to read for a view. Without `before`, its own create revision, it is sharp if the entry is the newest in line. */
export function readView(application: Application, width: ViewWidth, before?: bigint): readonly Operation[] {
  const { entries, records } = application.line;
  const line =
    width === "wide"
      ? range(entries.key, { rangeEnd: entries.rangeEnd, byCreateRevision: "ascending" })
      : range(entries.key, {
          rangeEnd: entries.rangeEnd,
          byCreateRevision: "descending",
          keysOnly: true,
          limit: before === undefined ? 2 : 1,
          maxCreateRevision: before === undefined ? undefined : before - 1n,
        });
  return [range(entryKey(application), { keysOnly: true }), line, range(records.key, { rangeEnd: records.rangeEnd })];
}

/** Makes a view of the results of {@link readView}, which are the last of `results`, and came with `answer`. */
export function parseView(
  application: Application,
  width: ViewWidth,
  results: readonly OperationResult[],
  { sentAt, header }: Answer,
): LineView {
  const ours = entryKey(application);
  const [own, entries, records] = [3, 2, 1].map((fromEnd) => keyValuesOf(results, results.length - fromEnd));
  const others = (entries ?? []).filter(({ key }) => key !== ours);
  const direct = others.flatMap((keyValue) => toOtherEntry(application.line, keyValue));
  return {
    sentAt,
    revision: header.revision,
    own: own?.[0],
    others: direct,
    records: (records ?? []).flatMap((keyValue) => toHoldRecord(application.line, keyValue)),
    isBlurred: width === "narrow" && (direct.length < others.length || direct.some(isNewerThan(own?.[0]))),
  };
}

function isNewerThan(own: KeyValue | undefined): (other: OtherEntry) => boolean {
  return ({ createRevision }) => own !== undefined && createRevision > own.createRevision;
}

export function toHoldRecord(line: LineName, keyValue: KeyValue): readonly HoldRecord[] {
  const suffix = line.suffixOfRecord(keyValue.key);
  if (suffix === undefined) return [];
  const { key, createRevision, modRevision } = keyValue;
  return [{ suffix, key, value: parseEntryValue(keyValue.value), createRevision, modRevision }];
}

function toOtherEntry(line: LineName, keyValue: KeyValue): readonly OtherEntry[] {
  const suffix = line.suffixOfEntry(keyValue.key);
  if (suffix === undefined) return [];
  const { key, createRevision } = keyValue;
  return [{ suffix, key, limit: parseEntryValue(keyValue.value).limit, createRevision }];
}
