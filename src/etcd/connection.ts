import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { onAbort } from "../abort.ts";

/** One gRPC method of etcd. */
export interface Method<Request extends DescMessage, Response extends DescMessage> {
  readonly path: string;
  readonly request: Request;
  readonly response: Response;
}

export interface TryOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
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

/** The connection to one endpoint: opened when first used, and thrown away when it does not answer. */
export class Connection {
  readonly endpoint: string;
  #client: Client | undefined;
  #answers = 0;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  /** Sends one request, once. Rejects with grpc-js's `ServiceError`, or with the signal's reason. */
  unary<Request extends DescMessage, Response extends DescMessage>(
    method: Method<Request, Response>,
    request: MessageInitShape<Request>,
    options: TryOptions,
  ): Promise<MessageShape<Response>> {
    const client = this.#open();
    const answersBefore = this.#answers;
    return new Promise((resolve, reject) => {
      const settle = (error: ServiceError | null, response?: MessageShape<Response>): void => {
        stopListening();
        if (options.signal?.aborted) reject(options.signal.reason);
        else if (response !== undefined) resolve(this.#answered(response));
        else reject(this.#failed(error, client, answersBefore));
      };
      const call = client.makeUnaryRequest(
        method.path,
        (message: MessageInitShape<Request>) => encode(method.request, message),
        (bytes: Buffer) => fromBinary(method.response, bytes),
        request,
        noMetadata,
        { deadline: deadlineIn(options.timeoutMs) },
        settle,
      );
      const stopListening = options.signal === undefined ? () => {} : onAbort(options.signal, () => call.cancel());
    });
  }

  /** Opens a stream of requests and responses. */
  stream<Request extends DescMessage, Response extends DescMessage>(
    method: Method<Request, Response>,
    options: { readonly timeoutMs?: number; readonly metadata?: Metadata } = {},
  ): ClientDuplexStream<MessageInitShape<Request>, MessageShape<Response>> {
    return this.#open().makeBidiStreamRequest(
      method.path,
      (message: MessageInitShape<Request>) => encode(method.request, message),
      (bytes: Buffer) => fromBinary(method.response, bytes),
      options.metadata ?? noMetadata,
      options.timeoutMs === undefined ? {} : { deadline: deadlineIn(options.timeoutMs) },
    );
  }

  /** Sends one request on a stream of its own, and takes the first response: how a lease is kept alive once. */
  exchange<Request extends DescMessage, Response extends DescMessage>(
    method: Method<Request, Response>,
    request: MessageInitShape<Request>,
    options: TryOptions,
  ): Promise<MessageShape<Response>> {
    const client = this.#open();
    const answersBefore = this.#answers;
    const call = this.stream(method, { timeoutMs: options.timeoutMs });
    return new Promise((resolve, reject) => {
      const stopListening = options.signal === undefined ? () => {} : onAbort(options.signal, () => call.cancel());
      call.on("data", (response: MessageShape<Response>) => {
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

  #open(): Client {
    this.#client ??= new Client(this.endpoint, credentials.createInsecure(), channelOptions);
    return this.#client;
  }

  #answered<T>(response: T): T {
    this.#answers += 1;
    return response;
  }

  /**
   * A connection on which nothing came while a try ran out of time may be half open, or hang in CONNECTING for ever
   * (grpc-node#2785).
   */
  #failed(error: ServiceError | null, client: Client, answersBefore: number): unknown {
    const isSilent = error?.code === status.DEADLINE_EXCEEDED && this.#answers === answersBefore;
    if (isSilent && client === this.#client) this.discard();
    return error ?? closedEarly();
  }
}

function encode<Request extends DescMessage>(schema: Request, message: MessageInitShape<Request>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** grpc-js takes an instant of the wall clock, and makes a time span of it at once. */
function deadlineIn(timeoutMs: number): number {
  return Date.now() + timeoutMs;
}

function closedEarly(): Error {
  return Object.assign(new Error("the stream ended without an answer"), { code: status.UNAVAILABLE });
}
