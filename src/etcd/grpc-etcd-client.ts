import { linkSignals, sharedAbortController } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { EtcdLockError, EtcdRefusedError } from "../errors.ts";
import { Connection, type TryOptions } from "./connection.ts";
import { EndpointRotation, type Settled } from "./endpoint-rotation.ts";
import type {
  Answer,
  CallOptions,
  EtcdClient,
  LeaseAnswer,
  Transaction,
  TransactionAnswer,
  Watch,
  WatchListener,
  WatchTarget,
} from "./etcd-client.ts";
import type { ResponseHeader } from "./gen/etcd.ts";
import { leaseGrant, leaseKeepAlive, leaseRevoke, leaseTimeToLive, txn } from "./methods.ts";
import { TransactionBatcher } from "./transaction-batcher.ts";
import { WatchStream } from "./watch-stream.ts";
import { decodeHeader, decodeKey, decodeResult, encodeTransaction } from "./wire.ts";

/** Makes the connection to an endpoint, which is opened when it is first used. */
export type Connect = (endpoint: string) => Connection;

/** {@link EtcdClient} over gRPC, with one connection an endpoint. */
export class GrpcEtcdClient implements EtcdClient {
  readonly endpoints: readonly string[];
  readonly #connections: readonly Connection[];
  readonly #rotation: EndpointRotation;
  readonly #batcher: TransactionBatcher;
  readonly #watches: WatchStream;
  readonly #closed = sharedAbortController();

  constructor(endpoints: readonly string[], clock: Clock, connect: Connect = (endpoint) => new Connection(endpoint)) {
    this.endpoints = endpoints;
    this.#connections = endpoints.map(connect);
    this.#rotation = new EndpointRotation(this.#connections, clock);
    this.#batcher = new TransactionBatcher((transaction, options) => this.#transactAlone(transaction, options), clock);
    this.#watches = new WatchStream(this.#rotation, clock);
  }

  async transact(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    this.#closed.signal.throwIfAborted();
    if (transaction.line === undefined) return await this.#transactAlone(transaction, options);
    return await this.#batcher.transact(transaction, options);
  }

  async grantLease(id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer> {
    const request = { id, ttl: BigInt(ttl) };
    const settled = await this.#call((connection, tries) => connection.unary(leaseGrant, request, tries), options);
    return { ...answer(settled), ttl: Number(settled.response.ttl) };
  }

  async keepAlive(id: bigint, options: CallOptions): Promise<LeaseAnswer> {
    const settled = await this.#call(
      (connection, tries) => connection.exchange(leaseKeepAlive, { id }, tries),
      options,
    );
    return { ...answer(settled), ttl: Number(settled.response.ttl) };
  }

  async revokeLease(id: bigint, options: CallOptions): Promise<void> {
    try {
      await this.#call((connection, tries) => connection.unary(leaseRevoke, { id }, tries), options);
    } catch (error) {
      if (!(error instanceof EtcdRefusedError && error.status === "NOT_FOUND")) throw error;
    }
  }

  async leaseKeys(id: bigint, options: CallOptions): Promise<readonly string[]> {
    const request = { id, keys: true };
    const settled = await this.#call((connection, tries) => connection.unary(leaseTimeToLive, request, tries), options);
    return settled.response.keys.map(decodeKey);
  }

  watch(target: WatchTarget, listener: WatchListener): Watch {
    return this.#watches.watch(target, listener);
  }

  close(): void {
    this.#closed.abort(new EtcdLockError("CLOSED", "the connection to etcd has been closed"));
    this.#watches.close();
    for (const connection of this.#connections) connection.discard();
  }

  async #transactAlone(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    const request = encodeTransaction(transaction);
    const settled = await this.#call((connection, tries) => connection.unary(txn, request, tries), options);
    const { succeeded, responses } = settled.response;
    return { ...answer(settled), succeeded, results: responses.map(decodeResult) };
  }

  async #call<T>(
    send: (connection: Connection, options: TryOptions) => Promise<T>,
    options: CallOptions,
  ): Promise<Settled<T>> {
    using linked = linkSignals(this.#closed.signal, options.signal);
    return await this.#rotation.call(send, { ...options, signal: linked.signal });
  }
}

function answer({ response, sentAt, unsettled }: Settled<{ header: ResponseHeader | undefined }>): Answer {
  return { header: decodeHeader(response.header), sentAt, unsettled };
}
