import type {
  CallOptions,
  EtcdClient,
  KeyEvent,
  LeaseAnswer,
  Transaction,
  TransactionAnswer,
  Watch,
  WatchListener,
  WatchTarget,
} from "./etcd-client.ts";
import type { Comparison, Operation, OperationResult } from "./transaction.ts";

/** The end of a range that goes on to the last key. */
const noEnd = "\0";
/** Comes after every character that our keys have. */
const lastCharacter = "\u{10ffff}";

/** All keys of another client that begin with a prefix, as if there were no others, and no prefix. */
export class NamespacedEtcdClient implements EtcdClient {
  readonly #client: EtcdClient;
  readonly #prefix: string;

  constructor(client: EtcdClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  get endpoints(): readonly string[] {
    return this.#client.endpoints;
  }

  async transact(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    const answer = await this.#client.transact(this.#outward(transaction), options);
    return { ...answer, results: answer.results.map((result) => this.#inward(result)) };
  }

  grantLease(id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer> {
    return this.#client.grantLease(id, ttl, options);
  }

  keepAlive(id: bigint, options: CallOptions): Promise<LeaseAnswer> {
    return this.#client.keepAlive(id, options);
  }

  revokeLease(id: bigint, options: CallOptions): Promise<void> {
    return this.#client.revokeLease(id, options);
  }

  leaseTtlLeft(id: bigint, options: CallOptions): Promise<number> {
    return this.#client.leaseTtlLeft(id, options);
  }

  async leaseKeys(id: bigint, options: CallOptions): Promise<readonly string[]> {
    const keys = await this.#client.leaseKeys(id, options);
    return keys.map((key) => this.#strip(key));
  }

  watch(target: WatchTarget, listener: WatchListener): Watch {
    const strip = (event: KeyEvent): KeyEvent => ({ ...event, key: this.#strip(event.key) });
    return this.#client.watch(this.#place(target), {
      onConfirmed: (revision) => listener.onConfirmed(revision),
      onChange: (events) => listener.onChange(events.map(strip)),
    });
  }

  close(): void {
    this.#client.close();
  }

  #place<T extends { readonly key: string; readonly rangeEnd?: string | undefined }>(range: T): T {
    const { key, rangeEnd } = range;
    const end = rangeEnd === noEnd ? this.#prefix + lastCharacter : this.#prefix + rangeEnd;
    // The first key of all is the first of the namespace.
    const start = this.#prefix + (key === noEnd && rangeEnd === noEnd ? "" : key);
    return { ...range, key: start, ...(rangeEnd !== undefined && { rangeEnd: end }) };
  }

  #strip(key: string): string {
    return key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : key;
  }

  #outward(transaction: Transaction): Transaction {
    const { line, isLeaving, compare, success, failure } = transaction;
    const place = (operation: Operation): Operation => {
      if (operation.kind === "transaction") return { ...operation, transaction: this.#outward(operation.transaction) };
      return operation.kind === "range" ? this.#place(operation) : { ...operation, key: this.#prefix + operation.key };
    };
    return {
      line,
      isLeaving,
      compare: compare.map((comparison): Comparison => this.#place(comparison)),
      success: success.map(place),
      failure: failure.map(place),
    };
  }

  #inward(result: OperationResult): OperationResult {
    if (result.kind === "transaction") {
      return { ...result, results: result.results.map((inner) => this.#inward(inner)) };
    }
    if (result.kind !== "range") return result;
    return { ...result, keyValues: result.keyValues.map((found) => ({ ...found, key: this.#strip(found.key) })) };
  }
}
