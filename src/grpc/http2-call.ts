import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { show } from "../show.ts";
import type { Call, CallListener } from "./channel.ts";
import { frame, MessageReader } from "./messages.ts";
import { GrpcError, status, unreadable } from "./status.ts";

interface Outcome {
  readonly error: GrpcError | undefined;
}

/** What a call knows of the channel that it is on. */
interface CallChannel {
  /** What happened to the connection, if anything. */
  whyBroken(): GrpcError | undefined;
  /** Nothing more is heard of the call: once. */
  onOver(): void;
}

const nobody: CallListener = { onMessage: () => {}, onEnd: () => {} };

/** One call on a stream of HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export class Http2Call implements Call {
  readonly #stream: ClientHttp2Stream;
  #listener: CallListener;
  readonly #messages: MessageReader;
  readonly #onOver: () => void;
  /** What the server said at the end, whatever it was. */
  #outcome: Outcome | undefined;
  #isOver = false;

  constructor(stream: ClientHttp2Stream, listener: CallListener, { whyBroken, onOver }: CallChannel) {
    this.#stream = stream;
    this.#listener = listener;
    this.#onOver = onOver;
    this.#messages = new MessageReader((message) => this.#listener.onMessage(message));
    stream.on("response", (headers) => this.#readHeaders(headers));
    stream.on("data", (piece: Buffer) => this.#readData(piece));
    stream.on("trailers", (trailers) => this.#readStatus(trailers));
    stream.on("end", () => {
      if (this.#outcome !== undefined) this.#conclude(this.#outcome);
    });
    // What is wrong is said by the connection, or by the code with which the stream was closed.
    stream.on("error", () => {});
    stream.on("close", () => this.#conclude(this.#outcome ?? { error: whyBroken() ?? this.#explainReset() }));
  }

  send(message: Uint8Array): void {
    if (!this.#isOver) this.#stream.write(frame(message));
  }

  end(): void {
    if (!this.#isOver) this.#stream.end();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#leave();
  }

  #readHeaders(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const { ":status": httpStatus = 0, "content-type": contentType = "" } = headers;
    if (headers["grpc-status"] !== undefined) this.#readStatus(headers);
    else if (httpStatus !== 200 || !contentType.startsWith("application/grpc")) {
      // No gRPC server has refused anything, whatever something before it, or in its place, says.
      const what = `HTTP status ${httpStatus}, content-type ${show(contentType)}`;
      this.#fail(new GrpcError(status.UNAVAILABLE, `no gRPC is spoken there: ${what}`));
    }
  }

  #readData(piece: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#messages.read(piece);
    } catch (error) {
      this.#fail(error instanceof GrpcError ? error : unreadable(error));
    }
  }

  #readStatus(headers: IncomingHttpHeaders): void {
    const said = headers["grpc-status"];
    const code = typeof said === "string" && /^\d+$/.test(said) ? Number(said) : status.UNKNOWN;
    const words = headers["grpc-message"];
    const error = code === status.OK ? undefined : new GrpcError(code, decodeWords(words));
    this.#outcome = { error };
  }

  #explainReset(): GrpcError {
    const { rstCode } = this.#stream;
    const isOrderly = rstCode === constants.NGHTTP2_NO_ERROR;
    const words = isOrderly ? "the call was not answered" : `the call was broken off (HTTP/2 code ${rstCode})`;
    return new GrpcError(status.UNAVAILABLE, words);
  }

  #fail(error: GrpcError): void {
    if (this.#isOver) return;
    const listener = this.#listener;
    this.cancel();
    listener.onEnd(error);
  }

  #conclude({ error }: Outcome): void {
    if (this.#isOver) return;
    // A server may have said all before it has heard all.
    if (!this.#stream.writableEnded) this.#stream.close(constants.NGHTTP2_CANCEL);
    const listener = this.#listener;
    this.#leave();
    const isCut = error === undefined && this.#messages.isInMessage;
    listener.onEnd(isCut ? new GrpcError(status.INTERNAL, "the answer broke off within a message") : error);
  }

  /** Streams outlive several collections of garbage: nothing of whoever called is to hang on one that is over. */
  #leave(): void {
    this.#isOver = true;
    this.#listener = nobody;
    this.#onOver();
  }
}

/** Words travel with what is not ASCII as `%` and two digits; a server that does not know shows itself. */
function decodeWords(words: string | readonly string[] | undefined): string {
  if (typeof words !== "string") return "";
  try {
    return decodeURIComponent(words);
  } catch {
    return words;
  }
}
