import { Scope, type Signal } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { EtcdLockError, EtcdRefusedError } from "../errors.ts";
import { EndpointRotation, type Settled } from "../etcd/endpoint-rotation.ts";
import { EndpointSet } from "../etcd/endpoint-set.ts";
import type { CallOptions } from "../etcd/etcd-client.ts";
import { GrpcError, status } from "../grpc/status.ts";
import { HttpConnection, type HttpRequest, type HttpResponse } from "./http-connection.ts";
import type { V2Access } from "./v2-access.ts";

/** A key of the v2 API that has a value. */
export interface V2Node {
  readonly value: string;
  /** The index at which it came to be. A write under a condition keeps it; whatever else makes a key gives another. */
  readonly createdIndex: number;
  /** The index at which it was written last. */
  readonly modifiedIndex: number;
  /** Seconds left; of a key that has no TTL, `undefined`. */
  readonly ttl: number | undefined;
}

/** What became of a request, with the time by {@link Clock.now} at which the try that was answered had been *sent*. */
export interface V2Answer {
  /** `absent`: there is no such key. `refused`: a condition does not hold. */
  readonly kind: "done" | "absent" | "refused";
  /** The key as it is now; `undefined` unless `done`, and after a deletion. */
  readonly node: V2Node | undefined;
  /** How far the store was. */
  readonly index: number;
  readonly sentAt: number;
  /** An earlier try got no answer: it may have been carried out as well, or may be yet. */
  readonly unsettled: boolean;
}

/** One change of a key. */
export interface V2Change {
  /** The name that etcd has for it: `expire`, `delete`, `compareAndDelete`, `compareAndSwap`, `set`, ... */
  readonly action: string;
  readonly index: number;
  /** The key afterwards; `undefined` when it is gone. */
  readonly node: V2Node | undefined;
}

/** The conditions of a write. */
export interface V2Conditions {
  readonly prevExist?: false;
  readonly prevValue?: string;
  readonly prevIndex?: number;
}

const keyNotFound = 100;
const compareFailed = 101;
const keyExists = 105;
/** etcd keeps the last 1,000 changes, of all keys together. */
const changesForgotten = 401;
/** While etcd has no leader, and when it gave up waiting for its own consensus. */
const passing = new Set([300, 301]);

/**
 * etcd's v2 API, as far as a lock needs it. Every call goes on to other servers by itself until it is answered, refused
 * (`EtcdRefusedError`), aborted, or out of time (`EtcdUnavailableError`).
 */
export class V2Client {
  readonly #endpoints: EndpointSet<HttpConnection>;
  readonly #rotation: EndpointRotation<HttpConnection>;
  readonly #closed = new Scope();

  constructor(access: V2Access, clock: Clock) {
    const connect = (endpoint: string): HttpConnection => new HttpConnection(endpoint, access, clock);
    this.#endpoints = new EndpointSet(access.endpoints, connect, clock);
    this.#rotation = new EndpointRotation(this.#endpoints, clock);
  }

  /** Reads a key, linearizably. */
  async read(key: string, options: CallOptions): Promise<V2Answer> {
    return await this.#ask({ method: "GET", path: pathOf(key, { quorum: "true" }) }, options);
  }

  /** Writes a key, if the conditions hold. */
  async write(
    key: string,
    value: string,
    ttlSeconds: number,
    conditions: V2Conditions,
    options: CallOptions,
  ): Promise<V2Answer> {
    const form = { value, ttl: String(ttlSeconds), ...words(conditions) };
    return await this.#ask({ method: "PUT", path: pathOf(key), form }, options);
  }

  /** Removes a key, if the conditions hold. */
  async remove(key: string, conditions: V2Conditions, options: CallOptions): Promise<V2Answer> {
    return await this.#ask({ method: "DELETE", path: pathOf(key, words(conditions)) }, options);
  }

  /**
   * The first change of a key at `fromIndex` or later: `none` when none came within `patienceMs`, `forgotten` when etcd
   * does not know any more what has changed since. It is a hint, from whatever one member has seen.
   */
  async nextChange(
    key: string,
    fromIndex: number,
    patienceMs: number,
    options: CallOptions,
  ): Promise<V2Change | "none" | "forgotten"> {
    const path = pathOf(key, { wait: "true", waitIndex: String(fromIndex) });
    const request = { method: "GET", path, bodyTimeoutMs: patienceMs } as const;
    const { response } = await this.#call(async (connection, tries) => {
      const answer = await connection.send(request, tries);
      if (answer.body === undefined) return undefined;
      // etcd itself waits for far longer: something before it has answered.
      if (answer.body === "") throw new GrpcError(status.UNAVAILABLE, `HTTP status ${answer.statusCode}, and no words`);
      return parse(answer, connection.endpoint);
    }, options);
    if (response?.errorCode === changesForgotten) return "forgotten";
    if (response?.node === undefined) return "none";
    const { modifiedIndex: index } = response.node;
    return { action: response.action ?? "", index, node: toNode(response) };
  }

  /** Ends every connection. Calls under way fail. */
  close(): void {
    this.#closed.abort(new EtcdLockError("CLOSED", "the connection to etcd has been closed"));
    this.#endpoints.discard();
  }

  async #ask(request: HttpRequest, options: CallOptions): Promise<V2Answer> {
    const { response, sentAt, unsettled } = await this.#call(
      async (connection, tries) => parse(await connection.send(request, tries), connection.endpoint),
      options,
    );
    return { kind: kindOf(response), node: toNode(response), index: response.index, sentAt, unsettled };
  }

  async #call<T>(
    send: (connection: HttpConnection, tries: { timeoutMs: number; signal: Signal | undefined }) => Promise<T>,
    options: CallOptions,
  ): Promise<Settled<T>> {
    using scope = new Scope(this.#closed, options.signal);
    return await this.#rotation.call(send, { ...options, signal: scope });
  }
}

/** What etcd answers, in JSON. */
interface WireAnswer {
  readonly action?: string;
  readonly node?: WireNode;
  readonly errorCode?: number;
  readonly message?: string;
  readonly cause?: string;
  readonly index: number;
}

interface WireNode {
  readonly value?: string;
  readonly createdIndex: number;
  readonly modifiedIndex: number;
  readonly ttl?: number;
  readonly dir?: boolean;
}

const answered = new Set([keyNotFound, compareFailed, keyExists, changesForgotten]);

/** @throws EtcdRefusedError; GrpcError when another member may answer better. */
function parse({ statusCode, headers, body = "" }: HttpResponse, endpoint: string): WireAnswer {
  const json = parseJson(body);
  if (json === undefined || !(json.node instanceof Object || answered.has(json.errorCode ?? 0))) {
    throw explainFailure(statusCode, json, endpoint);
  }
  const { createdIndex = 0, modifiedIndex = 0, dir } = json.node ?? {};
  const index = Number(headers["x-etcd-index"] ?? json.index);
  if (![createdIndex, modifiedIndex, index].every(Number.isSafeInteger)) {
    throw new GrpcError(status.UNAVAILABLE, "an answer that is none of etcd's v2 API");
  }
  if (dir !== true) return { ...json, index };
  throw new EtcdRefusedError(`etcd at ${endpoint} has a directory where the key should be`, "V2_DIRECTORY", endpoint);
}

function explainFailure(statusCode: number, json: Partial<WireAnswer> | undefined, endpoint: string): Error {
  const { errorCode, message, cause = "" } = json ?? {};
  const said = message === undefined ? `HTTP status ${statusCode}` : `${message} (${cause})`;
  if (statusCode >= 500 || passing.has(errorCode ?? 0)) return new GrpcError(status.UNAVAILABLE, said);
  const hint = errorCode === undefined && statusCode === 404 ? "; does it serve the v2 API (--enable-v2)?" : "";
  const name = errorCode === undefined ? `HTTP_${statusCode}` : `V2_${errorCode}`;
  return new EtcdRefusedError(`etcd at ${endpoint} refused: ${said}${hint}`, name, endpoint);
}

function parseJson(body: string): Partial<WireAnswer> | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

function kindOf({ errorCode }: WireAnswer): V2Answer["kind"] {
  if (errorCode === undefined) return "done";
  return errorCode === keyNotFound ? "absent" : "refused";
}

function toNode({ node }: WireAnswer): V2Node | undefined {
  // What is left of a key that was deleted or has expired has no value.
  if (node?.value === undefined) return undefined;
  const { value, createdIndex, modifiedIndex, ttl } = node;
  return { value, createdIndex, modifiedIndex, ttl };
}

function words({ prevExist, prevValue, prevIndex }: V2Conditions): Record<string, string> {
  return {
    ...(prevExist !== undefined && { prevExist: String(prevExist) }),
    ...(prevValue !== undefined && { prevValue }),
    ...(prevIndex !== undefined && { prevIndex: String(prevIndex) }),
  };
}

function pathOf(key: string, query: Record<string, string> = {}): string {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const search = new URLSearchParams(query).toString();
  return `/v2/keys${path}${search === "" ? "" : `?${search}`}`;
}
