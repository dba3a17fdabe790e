import type { CallOptions, EtcdClient } from "../etcd/etcd-client.ts";
import { type KeyValue, keyValuesOf, range } from "../etcd/transaction.ts";
import { parseEntryValue } from "./entry-value.ts";
import { describeLine, type Line } from "./inspect-line.ts";
import { LineName } from "./line-name.ts";

interface Keys {
  readonly line: LineName;
  readonly entries: KeyValue[];
  readonly records: KeyValue[];
}

/**
 * Every line whose name begins with `prefix`, by name. Keys that nothing marks as part of a lock are left out: an entry is
 * named after its lease, or says who its owner is.
 */
export async function listLines(client: EtcdClient, prefix: string, options: CallOptions): Promise<readonly Line[]> {
  const { key, rangeEnd } = LineName.prefixRange(prefix);
  const success = [range(key, { rangeEnd, byCreateRevision: "ascending" })];
  const { results } = await client.transact({ compare: [], success, failure: [] }, options);
  const keysOf = new Map<string, Keys>();
  for (const keyValue of keyValuesOf(results, 0)) sortIn(keysOf, keyValue);
  return [...keysOf.values()]
    .map(({ line, entries, records }) => ({ name: line.name, entries: describeLine(line, entries, records) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sortIn(keysOf: Map<string, Keys>, keyValue: KeyValue): void {
  const line = LineName.ofKey(keyValue.key);
  if (line === undefined) return;
  const isRecord = line.suffixOfRecord(keyValue.key) !== undefined;
  if (!(isRecord || isLockEntry(line, keyValue))) return;
  const keys = keysOf.get(line.name) ?? { line, entries: [], records: [] };
  keysOf.set(line.name, keys);
  (isRecord ? keys.records : keys.entries).push(keyValue);
}

function isLockEntry(line: LineName, { key, leaseId, value }: KeyValue): boolean {
  const [hex] = (line.suffixOfEntry(key) ?? "").split("-");
  return (leaseId !== 0n && hex === leaseId.toString(16)) || parseEntryValue(value).id !== undefined;
}
