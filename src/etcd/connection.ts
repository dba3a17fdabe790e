import type { SecureContext } from "node:tls";
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { onAbort, type Signal } from "../abort.ts";
import { callFailure } from "./status.ts";
import type { Tls } from "./tls.ts";

/** One gRPC method of etcd. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly request: { encode(message: Request): BinaryWriter };
  readonly response: { decode(bytes: Uint8Array): Response };
}

export interface TryOptions {
  readonly timeoutMs: number;
  readonly signal: Signal | undefined;
  /** What shows who we are; nothing by default. */
  readonly metadata?: Metadata | undefined;
}

const channelOptions = {
  // Trying again, and elsewhere, is our own business: grpc-js would wait for up to two minutes between two tries.
  "grpc.enable_retries": 0,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.min_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_http_proxy": 0,
  "grpc.enable_channelz": 0,
  // A range over a long line may be larger than the default of 4 MiB.
  "grpc.max_receive_message_length": -1,
} as const;

const noMetadata = new Metadata();

/** How grpc-js reports that a connection broke, or could not be made. */
const connectionFailures: ReadonlySet<number> = new Set([status.UNAVAILABLE, status.INTERNAL, status.CANCELLED]);

/** What requests are sent on: of a client of grpc-js, that which is used here. */
export interface Channel extends Pick<Client, "close"> {
  makeUnaryRequest<Request, Response>(
    path: string,
    serialize: (message: Request) => Buffer,
    deserialize: (bytes: Buffer) => Response,
    request: Request,
    metadata: Metadata,
    options: CallOptions,
    callback: (error: ServiceError | null, response?: Response) => void,
  ): { cancel(): void };
  makeBidiStreamRequest<Request, Response>(
    path: string,
    serialize: (message: Request) => Buffer,
    deserialize: (bytes: Buffer) => Response,
    metadata: Metadata,
    options: CallOptions,
  ): ClientDuplexStream<Request, Response>;
}

/** The connection to one endpoint: opened when first used, and thrown away when it does not answer. */
export class Connection {
  readonly endpoint: string;
  readonly #tls: Tls | undefined;
  readonly #borrow: (() => Channel) | undefined;
  #client: Channel | undefined;
  /** What {@link #client} was made with. */
  #certificates: SecureContext | undefined;
  #answers = 0;

  /** With `borrow`, requests are sent on what it gives, which somebody else has made. */
  constructor(endpoint: string, tls: Tls | undefined, borrow?: () => Channel) {
    this.endpoint = endpoint;
    this.#tls = tls;
    this.#borrow = borrow;
  }

  /** How many requests have been answered. */
  get answers(): number {
    return this.#answers;
  }

  /** Sends one request, once. Rejects with grpc-js's `ServiceError`, or with the signal's reason. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: TryOptions,
  ): Promise<Response> {
    const client = this.#open();
    const answersBefore = this.#answers;
    return new Promise((resolve, reject) => {
      const settle = (error: ServiceError | null, response?: Response): void => {
        stopListening();
        if (options.signal?.aborted) reject(options.signal.reason);
        else if (response !== undefined) resolve(this.#answered(response));
        else reject(this.#failed(error, client, answersBefore));
      };
      const call = client.makeUnaryRequest(
        method.path,
        (message: Request) => encode(method, message),
        (bytes: Buffer) => method.response.decode(bytes),
        request,
        options.metadata ?? noMetadata,
        { deadline: deadlineIn(options.timeoutMs) },
        settle,
      );
      const stopListening = options.signal === undefined ? () => {} : onAbort(options.signal, () => call.cancel());
    });
  }

  /** Opens a stream of requests and responses. */
  stream<Request, Response>(
    method: Method<Request, Response>,
    options: { readonly timeoutMs?: number; readonly metadata?: Metadata | undefined } = {},
  ): ClientDuplexStream<Request, Response> {
    return this.#open().makeBidiStreamRequest(
      method.path,
      (message: Request) => encode(method, message),
      (bytes: Buffer) => method.response.decode(bytes),
      options.metadata ?? noMetadata,
      options.timeoutMs === undefined ? {} : { deadline: deadlineIn(options.timeoutMs) },
    );
  }

  /** Sends one request on a stream of its own, and takes the first response: how a lease is kept alive once. */
  exchange<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: TryOptions,
  ): Promise<Response> {
    const client = this.#open();
    const answersBefore = this.#answers;
    const call = this.stream(method, options);
    return new Promise((resolve, reject) => {
      const stopListening = options.signal === undefined ? () => {} : onAbort(options.signal, () => call.cancel());
      call.on("data", (response: Response) => {
        stopListening();
        resolve(this.#answered(response));
        call.cancel();
      });
      call.on("error", (error: ServiceError) => {
        stopListening();
        reject(options.signal?.aborted ? options.signal.reason : this.#failed(error, client, answersBefore));
      });
      call.on("end", () => reject(closedEarly()));
      call.write(request);
      call.end();
    });
  }

  /** Throws the connection away; the next request opens another. Streams on it go on until they end. */
  discard(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #open(): Channel {
    this.#client ??= this.#borrow?.() ?? this.#connect();
    return this.#client;
  }

  #connect(): Channel {
    return this.#tls === undefined ? this.#connectInsecurely() : this.#connectWith(this.#tls);
  }

  #connectInsecurely(): Client {
    return new Client(this.endpoint, credentials.createInsecure(), channelOptions);
  }

  #connectWith(tls: Tls): Client {
    this.#certificates = tls.current;
    const [security, options] = tls.channelTo(this.endpoint, this.#certificates);
    return new Client(this.endpoint, security, { ...channelOptions, ...options });
  }

  #answered<T>(response: T): T {
    this.#answers += 1;
    return response;
  }

  /**
   * A connection on which nothing came while a try ran out of time may be half open, or hang in CONNECTING for ever
   * (grpc-node#2785). One that broke is not made again with certificates that have been renewed since.
   */
  #failed(error: ServiceError | null, client: Channel, answersBefore: number): unknown {
    if (client !== this.#client) return error?.code === status.UNAVAILABLE ? givenUp(error) : (error ?? closedEarly());
    const isSilent = error?.code === status.DEADLINE_EXCEEDED && this.#answers === answersBefore;
    const isBroken = error !== null && connectionFailures.has(error.code);
    if (isSilent || (isBroken && this.#tls?.current !== this.#certificates)) this.discard();
    return error ?? closedEarly();
  }
}

function encode<Request>({ request }: Method<Request, unknown>, message: Request): Buffer {
  const bytes = request.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** grpc-js takes an instant of the wall clock, and makes a time span of it at once. */
function deadlineIn(timeoutMs: number): number {
  return Date.now() + timeoutMs;
}

/** Another try on the same connection ran out of time, and closed it. */
function givenUp(cause: ServiceError): ServiceError {
  return callFailure(status.UNAVAILABLE, "the connection did not answer", cause);
}

function closedEarly(): ServiceError {
  return callFailure(status.UNAVAILABLE, "the stream ended without an answer");
}
