import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { messageOf } from "../message-of.ts";
import { type Call, type CallListener, type Channel, failedCall, type StartOptions } from "./channel.ts";
import { Http2Call } from "./http2-call.ts";
import { GrpcError, status } from "./status.ts";

const sessionOptions = {
  settings: { enablePush: false, initialWindowSize: 1024 * 1024 },
  // Node.js gives up calls when a connection holds 10 MB: a range over a long line may be larger.
  maxSessionMemory: Number.MAX_SAFE_INTEGER,
};

/** An answer of some megabytes is not to wait for the other side of the world again and again. */
const connectionWindowBytes = 16 * 1024 * 1024;
/** What was said last has so much time to go out, in milliseconds. */
const lastWordsMs = 100;

/** One connection of HTTP/2. It keeps the process alive only while calls are under way. */
export class Http2Channel implements Channel {
  readonly #session: ClientHttp2Session;
  readonly #protocol: string;
  #socket: Socket | TLSSocket | undefined;
  #isOpen = true;
  /** Whether there is a server of HTTP/2. */
  #hasSpoken = false;
  #calls = 0;
  /** What broke the connection. */
  #failure: GrpcError | undefined;

  /**
   * `authority` is what the server is asked for, as a URL; `openSocket` begins to connect to it.
   *
   * @throws TypeError when it is no URL.
   */
  constructor(authority: string, openSocket: () => Socket) {
    const createConnection = (): Socket => {
      this.#socket = openSocket();
      // Before HTTP/2 listens: it has each call fail with its own words.
      this.#socket.on("error", (error: NodeJS.ErrnoException) => {
        const isReset = error.syscall === "read";
        this.#break(`${isReset ? `${this.#ending()}: ` : ""}${messageOf(error)}`, error);
      });
      return this.#socket;
    };
    this.#protocol = authority.startsWith("https:") ? "HTTP/2 over TLS" : "HTTP/2 without TLS";
    this.#session = connect(authority, { ...sessionOptions, createConnection });
    this.#session.on("error", (error) => this.#break(`${this.#ending()}: ${messageOf(error)}`, error));
    this.#session.once("connect", () => this.#session.setLocalWindowSize(connectionWindowBytes));
    this.#session.once("remoteSettings", () => {
      this.#hasSpoken = true;
    });
    this.#session.on("goaway", () => this.close());
    this.#session.on("close", () => this.#retire());
    this.#session.unref();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  start(path: string, { headers, timeoutMs }: StartOptions, listener: CallListener): Call {
    const all: OutgoingHttpHeaders = {
      ":method": "POST",
      ":path": path,
      te: "trailers",
      "content-type": "application/grpc",
      "grpc-timeout": timeoutMs === undefined ? undefined : `${Math.max(1, Math.ceil(timeoutMs))}m`,
    };
    if (headers !== undefined) Object.assign(all, headers);
    try {
      const stream = this.#session.request(all, { endStream: false });
      this.#began();
      return new Http2Call(stream, listener, { whyBroken: () => this.#whyBroken(), onOver: () => this.#ended() });
    } catch (error) {
      // It was closed a moment ago, or has carried as many calls as a connection can.
      this.close();
      return failedCall(listener, new GrpcError(status.UNAVAILABLE, messageOf(error), error));
    }
  }

  close(): void {
    this.#retire();
    if (this.#session.connecting) {
      this.#failure ??= new GrpcError(status.UNAVAILABLE, "the connection was not made in time");
      this.#socket?.destroy();
    }
    if (this.#session.connecting || this.#calls === 0) this.#end();
  }

  #began(): void {
    this.#calls += 1;
    if (this.#calls === 1) this.#session.ref();
  }

  #ended(): void {
    this.#calls -= 1;
    if (this.#calls > 0) return;
    if (this.#isOpen) this.#session.unref();
    else this.#end();
  }

  /** Node.js leaves the socket to the other side, which may be gone. */
  #end(): void {
    this.#retire();
    this.#session.destroy();
    this.#socket?.unref();
    setTimeout(() => this.#socket?.destroy(), lastWordsMs).unref();
  }

  #retire(): void {
    this.#isOpen = false;
  }

  #break(why: string, cause: Error): void {
    this.#retire();
    this.#failure ??= new GrpcError(status.UNAVAILABLE, why, cause);
  }

  #whyBroken(): GrpcError | undefined {
    if (this.#failure !== undefined || !this.#session.destroyed) return this.#failure;
    return new GrpcError(status.UNAVAILABLE, this.#ending());
  }

  /** Of a connection that was made. */
  #ending(): string {
    if (this.#hasSpoken) return "the connection was closed";
    const isGreeting =
      this.#socket !== undefined && "secureConnecting" in this.#socket && this.#socket.secureConnecting;
    return `the connection was closed before ${isGreeting ? "TLS" : this.#protocol} was spoken`;
  }
}
