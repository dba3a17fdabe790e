import type { Clock } from "../clock.ts";
import { type Call, type CallListener, type Channel, failedCall, type Headers } from "../grpc/channel.ts";
import { GrpcError, status } from "../grpc/status.ts";
import { messageOf } from "../message-of.ts";
import { show } from "../show.ts";
import { Connection } from "./connection.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { GrpcEtcdClient } from "./grpc-etcd-client.ts";
import { NamespacedEtcdClient } from "./namespaced-client.ts";

/**
 * A client of the npm package `etcd3`, 1.x, or a namespace of one. Its connections, certificates, user and namespace are
 * used; nothing on it is changed, and it is not closed.
 */
export interface Etcd3Client {
  readonly kv: object;
  readonly leaseClient: object;
  readonly watchClient: object;
  namespace(prefix: string): Etcd3Client;
}

/** What we use of a client, as etcd3 1.x has it. */
interface Etcd3Internals {
  readonly prefix: Uint8Array;
  readonly options: { readonly auth?: { readonly username: string; readonly password: string } };
  readonly pool: { readonly hosts: readonly Etcd3Host[] };
}

/** One endpoint. */
interface Etcd3Host {
  /** Its address. */
  readonly host: string;
  /** Gives the client of grpc-js for a service, which is kept until it has failed. Throws when all has been closed. */
  getServiceClient(service: "KV"): GrpcJsClient;
}

/** What we use of a client of grpc-js. */
interface GrpcJsClient {
  makeBidiStreamRequest(
    path: string,
    serialize: (message: Uint8Array) => Buffer,
    deserialize: (bytes: Buffer) => Buffer,
    options: object,
  ): GrpcJsCall;
}

interface GrpcJsCall {
  on(event: "data", listener: (bytes: Buffer) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error: { readonly code: number; readonly details: string }) => void): void;
  write(message: Uint8Array): void;
  end(): void;
  cancel(): void;
}

/** By its shape: there may be several copies of the package. */
export function isEtcd3Client(value: unknown): value is Etcd3Client {
  return typeof value === "object" && value !== null && "leaseClient" in value && "kv" in value;
}

/**
 * {@link EtcdClient} over the connections of a user's client.
 *
 * @throws TypeError when it is not as etcd3 1.x has it.
 */
export function openEtcd3(etcd: Etcd3Client, clock: Clock): EtcdClient {
  if (!hasInternals(etcd)) {
    throw new TypeError(`etcd is an Etcd3 client of a kind that is not known: etcd3 1.x is; got ${show(etcd)}`);
  }
  const { pool, options, prefix } = etcd;
  const hosts = new Map(pool.hosts.map((host) => [host.host, host]));
  const access = {
    endpoints: [...hosts.keys()],
    discoverySrv: undefined,
    followMembers: false,
    tls: undefined,
    user: options.auth && { name: options.auth.username, password: options.auth.password },
    api: 3,
  } as const;
  const client = new GrpcEtcdClient(access, clock, (endpoint) => {
    const host = hosts.get(endpoint);
    if (host === undefined) throw new Error(`${endpoint} is none of the client's own endpoints`);
    return new Connection(endpoint, clock, () => borrow(host));
  });
  const namespace = Buffer.from(prefix).toString();
  return namespace === "" ? client : new NamespacedEtcdClient(client, namespace);
}

function hasInternals(etcd: object): etcd is Etcd3Internals & object {
  const { pool, options, prefix }: Partial<Record<keyof Etcd3Internals, unknown>> = etcd;
  const hosts: unknown = typeof pool === "object" && pool !== null ? Reflect.get(pool, "hosts") : undefined;
  return (
    typeof options === "object" &&
    options !== null &&
    prefix instanceof Uint8Array &&
    Array.isArray(hosts) &&
    hosts.every((host) => typeof host?.host === "string" && typeof host.getServiceClient === "function")
  );
}

/** The client of grpc-js is asked for anew for each call: its owner may have thrown away the one before. */
function borrow(host: Etcd3Host): Channel {
  return {
    isOpen: true,
    start: (path, { headers = {}, timeoutMs }, listener) => {
      const options = {
        ...(timeoutMs !== undefined && { deadline: Date.now() + timeoutMs }),
        interceptors: [addHeaders(headers)],
      };
      try {
        const call = host.getServiceClient("KV").makeBidiStreamRequest(path, toBuffer, toBuffer, options);
        return relay(call, listener);
      } catch (error) {
        return failedCall(listener, new GrpcError(status.UNAVAILABLE, messageOf(error), error));
      }
    },
    // It is not ours to close.
    close: () => {},
  };
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function relay(call: GrpcJsCall, { onMessage, onEnd }: CallListener): Call {
  let isOver = false;
  const conclude = (error: GrpcError | undefined): void => {
    if (!isOver) onEnd(error);
    isOver = true;
  };
  call.on("data", (bytes) => {
    if (!isOver) onMessage(bytes);
  });
  call.on("error", (error) => conclude(new GrpcError(error.code, error.details, error)));
  call.on("end", () => conclude(undefined));
  return {
    send: (message) => call.write(message),
    end: () => call.end(),
    cancel: () => {
      isOver = true;
      call.cancel();
    },
  };
}

/**
 * Puts our headers into the metadata that grpc-js makes for a call: the copy of grpc-js that etcd3 uses takes no metadata
 * but its own.
 */
function addHeaders(headers: Headers): unknown {
  type Call = { start(metadata: { set(name: string, value: string): void }, listener: unknown): void };
  return (options: object, next: (options: object) => Call): Call => {
    const call = next(options);
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      start(metadata, listener);
    };
    return call;
  };
}
