/** Anything that JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** What an entry and its hold record say about their owner, for people and for the admission rule. */
export interface EntryValue {
  /** Who the owner is, as people read it. Never decides who holds. */
  readonly id?: string;
  /** With how many, itself included, the owner can be inside: 1, a number of permits, or `Infinity`. */
  readonly limit: number;
  /** The granted TTL, in seconds. */
  readonly ttl?: number;
  readonly host?: string;
  readonly pid?: number;
  /** When the owner entered the line, in milliseconds of the wall clock. For people only. */
  readonly since?: number;
  readonly metadata?: Readonly<Record<string, JsonValue>> | undefined;
  /** Of an entry that is kept though its owner is gone: until when, in milliseconds of the wall clock. For people only. */
  readonly until?: number;
  /** The lease of the owner's hold records: whoever is ahead of it can write one on its behalf. */
  readonly recordLease?: bigint | undefined;
  /** Of a candidate in an election: what the entry says instead of all this, as in Go's layout. */
  readonly proposal?: string | undefined;
  /** In a hold record: the create revision of its entry, when it is not the record's own. */
  readonly place?: bigint;
}

/** What we assume of a value that is empty, or not one of ours: somebody else's exclusive lock. */
const foreign: EntryValue = { limit: 1 };

/** A value longer than this, in bytes, is not read. */
const longestValue = 65_536;

/** As etcd keeps it. A proposal is not part of it: see `entryText`. What is `undefined` is left out. */
export function formatEntryValue(value: EntryValue): string {
  const { id, host, pid, since, limit, ttl, metadata, until, recordLease, place } = value;
  return JSON.stringify({
    id,
    host,
    pid,
    since,
    ttl,
    metadata,
    until,
    recordLease: recordLease?.toString(16),
    limit: limit === 1 ? undefined : limit === Number.POSITIVE_INFINITY ? "unlimited" : limit,
    place: place?.toString(),
  });
}

/** Reads a value that anybody may have written: whatever in it is not as it should be is left out. */
export function parseEntryValue(bytes: Uint8Array): EntryValue {
  if (bytes.length === 0 || bytes.length > longestValue) return foreign;
  const fields = parseObject(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  if (fields === undefined) return foreign;
  const { id, limit, ttl, host, pid, since, metadata, until, recordLease, place } = fields;
  // What others propose in an election may be JSON, too: only a value that is surely ours is let in with others.
  const isOurs = typeof id === "string" && positiveInteger(ttl) !== undefined;
  return {
    limit: isOurs ? parseLimit(limit) : 1,
    ...(typeof id === "string" && { id }),
    ...(typeof host === "string" && { host }),
    ...optional("ttl", positiveInteger(ttl)),
    ...optional("pid", positiveInteger(pid)),
    ...optional("since", positiveInteger(since)),
    ...optional("until", positiveInteger(until)),
    ...(isObject(metadata) && { metadata: metadata as Record<string, JsonValue> }),
    ...(isLeaseId(recordLease) && { recordLease: BigInt(`0x${recordLease}`) }),
    ...(typeof place === "string" && /^\d{1,19}$/.test(place) && { place: BigInt(place) }),
  };
}

/** etcd's lease ids are positive numbers of 64 bits. */
function isLeaseId(value: unknown): value is string {
  return typeof value === "string" && /^(?!0+$)(?:[0-7]?[0-9a-f]{1,15})$/.test(value);
}

function parseLimit(limit: unknown): number {
  return limit === "unlimited" ? Number.POSITIVE_INFINITY : (positiveInteger(limit) ?? 1);
}

function optional<Name extends string>(name: Name, value: number | undefined): { [K in Name]?: number } {
  return (value === undefined ? {} : { [name]: value }) as { [K in Name]?: number };
}

function positiveInteger(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
