import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { onAbort, type Signal } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { Channel, Headers } from "../grpc/channel.ts";
import { GrpcError, status, unreadable } from "../grpc/status.ts";

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
  readonly headers?: Headers | undefined;
}

/** A stream of requests and responses. */
export interface Stream<Request> {
  send(request: Request): void;
  /** Nothing more will be heard of it. */
  cancel(): void;
}

/** What a stream tells, until it has ended or been cancelled. */
export interface StreamListener<Response> {
  onResponse(response: Response): void;
  onEnd(error: GrpcError | undefined): void;
}

/** The connection to one endpoint: opened when first used, again when it has broken, and thrown away when it is silent. */
export class Connection {
  readonly endpoint: string;
  readonly #clock: Clock;
  readonly #openChannel: () => Channel;
  #channel: Channel | undefined;
  #answers = 0;

  constructor(endpoint: string, clock: Clock, openChannel: () => Channel) {
    this.endpoint = endpoint;
    this.#clock = clock;
    this.#openChannel = openChannel;
  }

  /** How many requests have been answered. */
  get answers(): number {
    return this.#answers;
  }

  /** Sends one request, once, and takes the one answer. Rejects with a {@link GrpcError}, or with the signal's reason. */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs, signal, headers }: TryOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      // First: what cannot be written is to leave no call behind.
      const message = encode(method, request);
      const channel = this.#open();
      const answersBefore = this.#answers;
      let answer: { readonly response: Response } | undefined;
      const settle = (): void => {
        alarm.cancel();
        stopListening();
      };
      const fail = (reason: unknown): void => {
        settle();
        call.cancel();
        reject(reason);
      };
      const call = channel.start(
        method.path,
        { headers, timeoutMs },
        {
          onMessage: (bytes) => {
            if (answer !== undefined) return fail(new GrpcError(status.INTERNAL, "more than one answer came"));
            try {
              answer = { response: method.response.decode(bytes) };
            } catch (error) {
              fail(unreadable(error));
            }
          },
          onEnd: (error) => {
            settle();
            if (answer === undefined || error !== undefined) reject(error ?? unanswered());
            else resolve(this.#answered(answer.response));
          },
        },
      );
      let stopListening = (): void => {};
      const alarm = this.#clock.schedule(timeoutMs, () => {
        // It may be half open: nothing has come on it in all this time.
        if (channel === this.#channel && this.#answers === answersBefore) this.discard();
        fail(new GrpcError(status.DEADLINE_EXCEEDED, "no answer"));
      });
      if (signal !== undefined) stopListening = onAbort(signal, fail);
      call.send(message);
      call.end();
    });
  }

  /** Opens a stream of requests and responses. */
  stream<Request, Response>(
    method: Method<Request, Response>,
    headers: Headers,
    { onResponse, onEnd }: StreamListener<Response>,
  ): Stream<Request> {
    const onMessage = (bytes: Buffer): void => {
      try {
        onResponse(method.response.decode(bytes));
      } catch (error) {
        call.cancel();
        onEnd(unreadable(error));
      }
    };
    const call = this.#open().start(method.path, { headers }, { onMessage, onEnd });
    return { send: (request) => call.send(encode(method, request)), cancel: () => call.cancel() };
  }

  /** Throws the connection away; the next request opens another. Streams on it go on until they end. */
  discard(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  #open(): Channel {
    if (this.#channel?.isOpen !== true) this.#channel = this.#openChannel();
    return this.#channel;
  }

  #answered<T>(response: T): T {
    this.#answers += 1;
    return response;
  }
}

function encode<Request>({ request }: Method<Request, unknown>, message: Request): Uint8Array {
  return request.encode(message).finish();
}

function unanswered(): GrpcError {
  return new GrpcError(status.UNAVAILABLE, "the call ended without an answer");
}
