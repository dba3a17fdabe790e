import type { EtcdClient } from "#dist/etcd/etcd-client.js";
import { type KeyValue, keyValuesOf, range } from "#dist/etcd/transaction.js";

/** A key of a line. */
export interface StoredPlace {
  readonly key: string;
  /** Whose it is, by what it says of itself. */
  readonly label: string;
  /** The label, and what else must be as expected. */
  readonly text: string;
  readonly createRevision: bigint;
  /** The create revision of the entry that it belongs to. */
  readonly place: bigint;
  readonly leaseId: bigint;
}

/** What is stored of one line. */
export interface StoredLine {
  readonly entries: readonly StoredPlace[];
  readonly records: readonly StoredPlace[];
}

/** Reads the lines of `names`, plain ones that begin with `prefix`, at one revision, without any help of ours. */
export async function readStoredLines(
  client: EtcdClient,
  prefix: string,
  names: readonly string[],
): Promise<{ readonly lines: ReadonlyMap<string, StoredLine>; readonly revision: bigint }> {
  const everything = range(prefix, { rangeEnd: `${prefix}\u{7f}` });
  const transaction = { compare: [], success: [everything], failure: [] };
  const { results, header } = await client.transact(transaction, { timeoutMs: 20_000 });
  const keyValues = keyValuesOf(results, 0);
  const below = (start: string): readonly StoredPlace[] =>
    keyValues
      .filter(({ key }) => key.startsWith(start) && !/[/!]/.test(key.slice(start.length)))
      .map((keyValue) => toStoredPlace(keyValue, keyValue.key.slice(start.length)));
  const lines = new Map(names.map((name) => [name, { entries: below(`${name}/`), records: below(`${name}!`) }]));
  return { lines, revision: header.revision };
}

/** Who stands in a line, in order: an entry as `a@12`, the record of the entry that was created at 12 as `[a]@12`. */
export function describeStored({ entries, records }: StoredLine): readonly string[] {
  const keys = [
    ...entries.map(({ text, place }) => ({ text: `${text}@${place}`, place })),
    ...records.map(({ text, place }) => ({ text: `[${text}]@${place}`, place })),
  ];
  return keys.toSorted((one, other) => Number(one.place - other.place)).map(({ text }) => text);
}

/** Whoever says nothing of itself is called by its key. */
function toStoredPlace({ key, value, createRevision, leaseId }: KeyValue, suffix: string): StoredPlace {
  const said = Buffer.from(value).toString();
  const { id, limit, metadata, place = createRevision } = said.startsWith("{") ? JSON.parse(said) : { id: said };
  const label = id || suffix;
  const limited = id && limit ? `${label}×${limit === "unlimited" ? Number.POSITIVE_INFINITY : limit}` : label;
  const text = metadata === undefined ? limited : `${limited}#${metadata.note}`;
  return { key, label, text, createRevision, place: BigInt(place), leaseId };
}
