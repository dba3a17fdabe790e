import type { CallOptions, EtcdClient } from "../etcd/etcd-client.ts";
import { type KeyValue, keyValuesOf, range } from "../etcd/transaction.ts";
import { type EntryValue, type JsonValue, parseEntryValue } from "./entry-value.ts";
import type { LineName } from "./line-name.ts";
import { type HoldRecord, toHoldRecord } from "./line-view.ts";

/** Somebody in a line, as far as etcd tells. Everything but key, lease and revisions is what they said of themselves. */
export interface LineEntry {
  /** 1 for the first. */
  readonly position: number;
  /** `orphan`: the entry is gone, and its owner may still be inside. */
  readonly state: "holding" | "waiting" | "orphan";
  readonly key: string;
  /** Made by other software than this: it says nothing of itself. */
  readonly foreign: boolean;
  /** The etcd lease that the key is bound to; 0 when it is bound to none, and will never go by itself. */
  readonly leaseId: bigint;
  readonly createRevision: bigint;
  /** Of a holder of ours. */
  readonly fencingToken?: bigint;
  readonly id?: string;
  readonly host?: string;
  readonly pid?: number;
  /** When it entered the line, by its own wall clock. */
  readonly since?: Date;
  /** The owner is gone, and wanted the lock kept until then (`atLeast`), by its own wall clock. */
  readonly until?: Date;
  /** In seconds. */
  readonly ttl?: number;
  /** With how many, itself included, it can be inside. */
  readonly limit: number;
  readonly metadata?: Readonly<Record<string, JsonValue>>;
}

/** Who holds a name and who waits, in order, at one moment. */
export interface Line {
  readonly name: string;
  readonly entries: readonly LineEntry[];
}

/** Reads a line as it is, linearizably. */
export async function inspectLine(client: EtcdClient, line: LineName, options: CallOptions): Promise<Line> {
  const { entries, records } = line;
  const success = [
    range(entries.key, { rangeEnd: entries.rangeEnd, byCreateRevision: "ascending" }),
    range(records.key, { rangeEnd: records.rangeEnd }),
  ];
  const { results } = await client.transact({ compare: [], success, failure: [] }, options);
  const direct = keyValuesOf(results, 0).filter(({ key }) => line.suffixOfEntry(key) !== undefined);
  return { name: line.name, entries: describeLine(line, direct, keyValuesOf(results, 1)) };
}

export function describeLine(
  line: LineName,
  entries: readonly KeyValue[],
  records: readonly KeyValue[],
): readonly LineEntry[] {
  const holds = new Map(
    records.flatMap((keyValue) => toHoldRecord(line, keyValue).map((record) => [record.suffix, { record, keyValue }])),
  );
  const described = entries.map((keyValue, index) => {
    const suffix = line.suffixOfEntry(keyValue.key) ?? "";
    const hold = holds.get(suffix)?.record;
    holds.delete(suffix);
    // A candidate's entry says what it proposes; who it is stands in its hold record.
    const value = hold?.value ?? parseEntryValue(keyValue.value);
    const isInside = hold !== undefined || value.until !== undefined || (value.id === undefined && index === 0);
    return describe(keyValue, value, hold, isInside ? "holding" : "waiting");
  });
  const orphans = [...holds.values()].map(({ record, keyValue }) => describe(keyValue, record.value, record, "orphan"));
  return [...orphans, ...described].map((entry, index) => ({ ...entry, position: index + 1 }));
}

function describe(
  { key, leaseId, createRevision }: KeyValue,
  { id, host, pid, since, until, ttl, limit, metadata }: EntryValue,
  hold: HoldRecord | undefined,
  state: LineEntry["state"],
): Omit<LineEntry, "position"> {
  return {
    state,
    key,
    foreign: id === undefined,
    leaseId,
    createRevision,
    limit,
    ...(hold !== undefined && { fencingToken: hold.createRevision }),
    ...(id !== undefined && { id }),
    ...(host !== undefined && { host }),
    ...(pid !== undefined && { pid }),
    ...(since !== undefined && { since: new Date(since) }),
    ...(until !== undefined && { until: new Date(until) }),
    ...(ttl !== undefined && { ttl }),
    ...(metadata !== undefined && { metadata }),
  };
}
