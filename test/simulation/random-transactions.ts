import type { Compare, RangeRequest, RequestOp, TxnRequest } from "#dist/etcd/gen/etcd.js";
import type { Random } from "../support/random.ts";

const noBytes = Buffer.alloc(0);
const fields = ["version", "createRevision", "modRevision", "value", "lease"] as const;

/** Makes transactions of every kind that a lock could send, over few keys, so that they meet. */
export class RandomTransactions {
  readonly leaseIds: readonly bigint[];
  readonly #random: Random;
  readonly #keys: readonly string[];
  readonly #prefix: string;

  constructor(random: Random, prefix: string, leaseIds: readonly bigint[]) {
    this.#random = random;
    this.#prefix = prefix;
    this.leaseIds = leaseIds;
    this.#keys = ["a", "b", "b/c", "d", "é"].map((name) => `${prefix}${name}`);
  }

  /** Revisions are compared with some around `revision`. */
  next(revision: bigint, depth = 2): TxnRequest {
    const list = <T>(most: number, make: () => T): T[] => Array.from({ length: this.#random.below(most + 1) }, make);
    return {
      compare: list(2, () => this.#compare(revision)),
      success: list(3, () => this.#operation(revision, depth)),
      failure: list(3, () => this.#operation(revision, depth)),
    };
  }

  #compare(revision: bigint): Compare {
    const random = this.#random;
    const target = random.oneOf([0, 1, 2, 4]);
    const field = fields[target] ?? "version";
    const near = revision - BigInt(random.below(6));
    const number = field === "lease" ? random.oneOf([0n, ...this.leaseIds]) : random.oneOf([0n, 1n, near]);
    const targetUnion = { $case: field, value: number } as Compare["targetUnion"];
    return { result: random.below(4), target, targetUnion, ...this.#range() };
  }

  #operation(revision: bigint, depth: number): RequestOp {
    const random = this.#random;
    const kind = random.below(depth > 0 ? 4 : 3);
    if (kind === 0) {
      const lease = random.oneOf([0n, 0n, ...this.leaseIds]);
      const value = { key: this.#key(), value: Buffer.from(`value ${random.below(100)}`), lease };
      return { request: { $case: "requestPut", value } };
    }
    if (kind === 1) return { request: { $case: "requestDeleteRange", value: this.#range() } };
    if (kind === 2) return { request: { $case: "requestRange", value: this.#read(revision) } };
    return { request: { $case: "requestTxn", value: this.next(revision, depth - 1) } };
  }

  #read(revision: bigint): RangeRequest {
    const random = this.#random;
    const sortOrder = random.below(3);
    return {
      ...this.#range(),
      limit: BigInt(random.below(3)),
      revision: 0n,
      sortOrder,
      sortTarget: sortOrder === 0 ? 0 : 2,
      serializable: false,
      keysOnly: random.chance(0.5),
      countOnly: false,
      minCreateRevision: random.chance(0.3) ? revision - BigInt(random.below(6)) : 0n,
      maxCreateRevision: random.chance(0.3) ? revision - BigInt(random.below(6)) : 0n,
    };
  }

  /** One key, or all. */
  #range(): { readonly key: Buffer; readonly rangeEnd: Buffer } {
    if (this.#random.chance(0.6)) return { key: this.#key(), rangeEnd: noBytes };
    return { key: Buffer.from(this.#prefix), rangeEnd: Buffer.from(`${this.#prefix.slice(0, -1)}0`) };
  }

  #key(): Buffer {
    return Buffer.from(this.#random.oneOf(this.#keys));
  }
}
