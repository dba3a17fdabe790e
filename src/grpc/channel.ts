import type { GrpcError } from "./status.ts";

/** What is said of a call besides its messages. Names are in lower case. */
export type Headers = Readonly<Record<string, string>>;

export interface StartOptions {
  readonly headers?: Headers | undefined;
  /** What the server is told of our patience, in milliseconds: keeping to it is the caller's business. */
  readonly timeoutMs?: number | undefined;
}

/** What a call tells, until it has ended or been cancelled. */
export interface CallListener {
  onMessage(bytes: Buffer): void;
  /** The server has said all that it had to say, or the call has failed. */
  onEnd(error: GrpcError | undefined): void;
}

/** A call under way: of one request, or of a stream of them, which is the same on the wire. */
export interface Call {
  send(message: Uint8Array): void;
  /** Nothing more will be sent. */
  end(): void;
  /** Nothing more will be heard of it. */
  cancel(): void;
}

/** What carries calls to one server: one connection, for as long as that lasts. */
export interface Channel {
  /** Whether calls can be started on it: not after it broke, or was closed by either side. */
  readonly isOpen: boolean;
  /** Never throws: the listener is told what is wrong, later. */
  start(path: string, options: StartOptions, listener: CallListener): Call;
  /** No calls are started any more; those under way go on, unless the connection has not been made yet. */
  close(): void;
}

/** A channel that could not be made. */
export function failedChannel(error: GrpcError): Channel {
  return { isOpen: false, start: (_path, _options, listener) => failedCall(listener, error), close: () => {} };
}

/** A call that could not be started. */
export function failedCall(listener: CallListener, error: GrpcError): Call {
  let isOver = false;
  process.nextTick(() => {
    if (!isOver) listener.onEnd(error);
  });
  return {
    send: () => {},
    end: () => {},
    cancel: () => {
      isOver = true;
    },
  };
}
