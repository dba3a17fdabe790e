import { Duplex } from "node:stream";
import { type Client, type ClientDuplexStream, type Metadata, status } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import { show } from "../show.ts";
import { type Channel, Connection } from "./connection.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { GrpcEtcdClient } from "./grpc-etcd-client.ts";
import { NamespacedEtcdClient } from "./namespaced-client.ts";
import { callFailure } from "./status.ts";

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
  getServiceClient(service: "KV"): Client;
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
    return new Connection(endpoint, undefined, host && (() => borrow(host)));
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

/** The client of grpc-js is asked for anew for each request: its owner may have thrown away the one before. */
function borrow(host: Etcd3Host): Channel {
  const client = (): Client => {
    try {
      return host.getServiceClient("KV");
    } catch (error) {
      throw callFailure(status.UNAVAILABLE, error instanceof Error ? error.message : String(error), error);
    }
  };
  return {
    makeUnaryRequest: (path, serialize, deserialize, request, metadata, options, callback) =>
      client().makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        { ...options, ...sendAlong(metadata) },
        callback,
      ),
    makeBidiStreamRequest: <Request, Response>(
      path: string,
      serialize: (message: Request) => Buffer,
      deserialize: (bytes: Buffer) => Response,
      metadata: Metadata,
      options: object,
    ) => {
      try {
        return client().makeBidiStreamRequest(path, serialize, deserialize, { ...options, ...sendAlong(metadata) });
      } catch (error) {
        return failedStream<Request, Response>(error);
      }
    },
    // It is not ours to close.
    close: () => {},
  };
}

/** A stream that fails as one on a connection that broke: a watch is made again, and again, as long as it is wanted. */
function failedStream<Request, Response>(error: unknown): ClientDuplexStream<Request, Response> {
  const stream = new Duplex({ objectMode: true, read: () => {}, write: (_chunk, _encoding, done) => done() });
  process.nextTick(() => stream.destroy(error instanceof Error ? error : new Error(String(error))));
  return Object.assign(stream, { cancel: () => void stream.destroy() }) as unknown as ClientDuplexStream<
    Request,
    Response
  >;
}

/**
 * Puts our headers into the metadata that grpc-js makes for a call: the copy of grpc-js that etcd3 uses may be another
 * than ours, and takes no metadata of ours.
 */
function sendAlong(metadata: Metadata): object {
  const headers = Object.entries(metadata.getMap());
  if (headers.length === 0) return {};
  type Call = { start(metadata: Metadata, listener: unknown): void };
  const addHeaders = (options: object, next: (options: object) => Call): Call => {
    const call = next(options);
    const start = call.start.bind(call);
    call.start = (theirs, listener) => {
      for (const [name, value] of headers) theirs.set(name, value);
      start(theirs, listener);
    };
    return call;
  };
  return { interceptors: [addHeaders] };
}
