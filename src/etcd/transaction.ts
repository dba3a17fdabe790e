/** One etcd key as it was read. */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** 0 when the key is bound to no lease. */
  readonly leaseId: bigint;
}

/** A condition on a key, or on every key of a range. An absent key, and an empty range, have revision 0. */
export interface Comparison {
  readonly key: string;
  readonly rangeEnd?: string | undefined;
  /** `lease`: the id of the lease that the key is bound to. */
  readonly of: "create-revision" | "mod-revision" | "lease";
  readonly is: "equal" | "greater" | "less";
  readonly to: bigint;
}

export interface Put {
  readonly kind: "put";
  readonly key: string;
  readonly value: string;
  /** The lease that the key is bound to; none by default. */
  readonly leaseId?: bigint | undefined;
}

export interface Delete {
  readonly kind: "delete";
  readonly key: string;
}

export interface Range {
  readonly kind: "range";
  readonly key: string;
  readonly rangeEnd?: string | undefined;
  /** The most keys to read; all of them when absent. */
  readonly limit?: number | undefined;
  /** Leaves out the values, and, since etcd 3.7, the leases. */
  readonly keysOnly?: boolean | undefined;
  /** Sorts by create revision; without it, by key. */
  readonly byCreateRevision?: "ascending" | "descending" | undefined;
  /** Leaves out keys that were created earlier. */
  readonly minCreateRevision?: bigint | undefined;
  /** Leaves out keys that were created later. */
  readonly maxCreateRevision?: bigint | undefined;
}

export interface Nested {
  readonly kind: "transaction";
  readonly transaction: Transaction;
}

export type Operation = Put | Delete | Range | Nested;

/** If all comparisons hold, etcd carries out `success`, else `failure`, in one step. */
export interface Transaction {
  /**
   * The line that it concerns. With one, it may travel together with transactions of other lines; without, it is sent by
   * itself.
   */
  readonly line?: string | undefined;
  /** It does no more than leave its line: one other of the line may travel with it, and reads the line as it is then. */
  readonly isLeaving?: boolean | undefined;
  readonly compare: readonly Comparison[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export type OperationResult =
  | { readonly kind: "put" }
  | { readonly kind: "delete"; readonly deleted: number }
  | { readonly kind: "range"; readonly keyValues: readonly KeyValue[] }
  | { readonly kind: "transaction"; readonly succeeded: boolean; readonly results: readonly OperationResult[] };

export function put(key: string, value: string, leaseId: bigint): Put {
  return { kind: "put", key, value, leaseId };
}

export function remove(key: string): Delete {
  return { kind: "delete", key };
}

export function range(key: string, options: Omit<Range, "kind" | "key"> = {}): Range {
  const { rangeEnd, limit, keysOnly, byCreateRevision, minCreateRevision, maxCreateRevision } = options;
  return { kind: "range", key, rangeEnd, limit, keysOnly, byCreateRevision, minCreateRevision, maxCreateRevision };
}

export function nested(transaction: Transaction): Nested {
  return { kind: "transaction", transaction };
}

/** The key, or every key of the range, was created at `revision`; 0 means that there is none. */
export function createdAt(key: string, revision: bigint, rangeEnd?: string): Comparison {
  return { key, rangeEnd, of: "create-revision", is: "equal", to: revision };
}

/** The key was last written at `revision`. */
export function writtenAt(key: string, revision: bigint): Comparison {
  return { key, of: "mod-revision", is: "equal", to: revision };
}

/** The key is bound to the lease. */
export function boundTo(key: string, leaseId: bigint): Comparison {
  return { key, of: "lease", is: "equal", to: leaseId };
}

/** Every key of the range was created at `revision` or later. */
export function noneOlderThan(key: string, rangeEnd: string, revision: bigint): Comparison {
  return { key, rangeEnd, of: "create-revision", is: "greater", to: revision - 1n };
}

/** The most bytes of what travels together, by {@link weigh}: etcd takes requests of up to 1.5 MiB. */
export const mostBytes: number = 512 * 1024;

/** About how many bytes a transaction has on the wire. */
export function weigh({ compare, success, failure }: Transaction): number {
  let bytes = 0;
  for (const { key, rangeEnd } of compare) bytes += 16 + key.length + (rangeEnd?.length ?? 0);
  for (const operation of success) bytes += weighOperation(operation);
  for (const operation of failure) bytes += weighOperation(operation);
  return bytes;
}

function weighOperation(operation: Operation): number {
  if (operation.kind === "transaction") return 16 + weigh(operation.transaction);
  // A character outside ASCII takes up to three bytes.
  const value = operation.kind === "put" ? operation.value.length * 3 : 0;
  return 16 + operation.key.length * 2 + value;
}

/** The key-values that the operation at `index` read; none if it was something else. */
export function keyValuesOf(results: readonly OperationResult[], index: number): readonly KeyValue[] {
  const result = results[index];
  return result?.kind === "range" ? result.keyValues : [];
}
