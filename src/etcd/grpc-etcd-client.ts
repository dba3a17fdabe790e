import { Scope } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { EtcdLockError, EtcdRefusedError } from "../errors.ts";
import { connectDirectly } from "./connect-directly.ts";
import type { Connection, TryOptions } from "./connection.ts";
import { EndpointRotation, type Settled } from "./endpoint-rotation.ts";
import { EndpointSet } from "./endpoint-set.ts";
import { type EtcdAccess, parseEndpoint } from "./endpoints.ts";
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
import { concernsToken, Login } from "./login.ts";
import { leaseGrant, leaseKeepAlive, leaseRevoke, leaseTimeToLive, memberList, txn } from "./methods.ts";
import { explainDenial, explainStranger } from "./missing-permission.ts";
import { lookUpEndpoints } from "./srv-records.ts";
import { Tls } from "./tls.ts";
import { TransactionBatcher } from "./transaction-batcher.ts";
import { WatchStream } from "./watch-stream.ts";
import { decodeHeader, decodeKey } from "./wire.ts";

/** Makes the connection to an endpoint, which is opened when it is first used. */
export type Connect = (endpoint: string, tls: Tls | undefined) => Connection;

/** Between two looks at DNS, while etcd does not answer, and between two at the list of members, in milliseconds. */
const searchPauseMs = { srv: 2_000, members: 30_000 };
const memberListTimeoutMs = 5_000;

/** {@link EtcdClient} over gRPC, with one connection an endpoint. */
export class GrpcEtcdClient implements EtcdClient {
  readonly endpoints: readonly string[];
  readonly #login: Login | undefined;
  readonly #endpointSet: EndpointSet;
  readonly #rotation: EndpointRotation;
  readonly #batcher: TransactionBatcher;
  readonly #watches: WatchStream;
  readonly #closed = new Scope();

  /** @throws TypeError when a file with certificates, or the password, is of no use. */
  constructor(
    access: EtcdAccess,
    clock: Clock,
    connect: Connect = (endpoint, tls) => connectDirectly(endpoint, tls, clock),
  ) {
    const { endpoints = [] } = access;
    this.endpoints = endpoints;
    const tls = access.tls === undefined ? undefined : new Tls(access.tls);
    this.#login = access.user === undefined ? undefined : new Login(access.user, clock);
    this.#endpointSet = new EndpointSet(endpoints, (endpoint) => connect(endpoint, tls), clock);
    this.#addSearches(access);
    this.#rotation = new EndpointRotation(this.#endpointSet, clock);
    this.#batcher = new TransactionBatcher((transaction, options) => this.#transactAlone(transaction, options), clock);
    this.#watches = new WatchStream(this.#endpointSet, this.#login, clock);
  }

  transact(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    if (this.#closed.aborted) return Promise.reject(this.#closed.reason);
    if (transaction.line === undefined) return this.#transactAlone(transaction, options);
    return this.#batcher.transact(transaction, options);
  }

  async grantLease(id: bigint, ttl: number, options: CallOptions): Promise<LeaseAnswer> {
    const request = { id, ttl: BigInt(ttl) };
    const settled = await this.#call((connection, tries) => connection.unary(leaseGrant, request, tries), options);
    return { ...answer(settled), ttl: Number(settled.response.ttl) };
  }

  async keepAlive(id: bigint, options: CallOptions): Promise<LeaseAnswer> {
    const settled = await this.#call((connection, tries) => connection.unary(leaseKeepAlive, { id }, tries), options);
    return { ...answer(settled), ttl: Number(settled.response.ttl) };
  }

  async revokeLease(id: bigint, options: CallOptions): Promise<void> {
    try {
      await this.#call((connection, tries) => connection.unary(leaseRevoke, { id }, tries), options);
    } catch (error) {
      if (!(error instanceof EtcdRefusedError && error.status === "NOT_FOUND")) throw error;
    }
  }

  async leaseTtlLeft(id: bigint, options: CallOptions): Promise<number> {
    const request = { id, keys: false };
    const settled = await this.#call((connection, tries) => connection.unary(leaseTimeToLive, request, tries), options);
    return Number(settled.response.ttl);
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
    this.#endpointSet.discard();
  }

  async #transactAlone(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    try {
      const settled = await this.#call((connection, tries) => connection.unary(txn, transaction, tries), options);
      const { response, sentAt, unsettled } = settled;
      const { header, succeeded, results } = response;
      return { header, sentAt, unsettled, succeeded, results };
    } catch (error) {
      const isDenied = error instanceof EtcdRefusedError && error.status === "PERMISSION_DENIED";
      throw isDenied ? explainDenial(error, transaction, this.#login?.userName) : error;
    }
  }

  async #call<T>(
    send: (connection: Connection, options: TryOptions) => Promise<T>,
    options: CallOptions,
  ): Promise<Settled<T>> {
    const login = this.#login;
    const sendAsUser: typeof send =
      login === undefined ? send : (connection, tries) => login.send(send, connection, tries);
    using scope = new Scope(this.#closed, options.signal);
    try {
      return await this.#rotation.call(sendAsUser, { ...options, signal: scope });
    } catch (error) {
      const isStranger = login === undefined && error instanceof EtcdRefusedError && concernsToken(error.cause);
      throw isStranger ? explainStranger(error) : error;
    }
  }

  #addSearches({ discoverySrv, followMembers, tls }: EtcdAccess): void {
    if (discoverySrv !== undefined) {
      const find = () => lookUpEndpoints(discoverySrv, tls);
      this.#endpointSet.add({ when: "failing", pauseMs: searchPauseMs.srv, find });
    }
    if (followMembers) {
      const find = () => this.#readMemberList(tls !== undefined);
      this.#endpointSet.add({ when: "answering", pauseMs: searchPauseMs.members, find });
    }
  }

  /** Where the members say that clients reach them: by TLS, or without, as the endpoints that were given. */
  async #readMemberList(isSecure: boolean): Promise<readonly string[]> {
    const options = { timeoutMs: memberListTimeoutMs };
    const { response } = await this.#call((connection, tries) => connection.unary(memberList, {}, tries), options);
    const urls = response.members.filter(({ isLearner }) => !isLearner).flatMap(({ clientUrls }) => clientUrls);
    return urls.filter((url) => url.startsWith(isSecure ? "https:" : "http:")).map((url) => parseEndpoint(url).address);
  }
}

function answer({ response, sentAt, unsettled }: Settled<{ header: ResponseHeader | undefined }>): Answer {
  return { header: decodeHeader(response.header), sentAt, unsettled };
}
