import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { findFreePorts } from "#dist/testing/free-ports.js";

/** What the proxy does with connections, old and new. */
type Mode = "passing" | "refusing" | "holding" | "dropping answers";

/** Starts a proxy in front of `target` (`host:port`), on a loopback port that stays the same until {@link TcpProxy.close}. */
export async function startProxy(target: string): Promise<TcpProxy> {
  const [port = 0] = await findFreePorts(1);
  const proxy = new TcpProxy(target, port);
  await proxy.resume();
  return proxy;
}

/** A network between a client and one server, which can fail in several ways. */
export class TcpProxy {
  /** Where clients connect instead: `127.0.0.1:port`. */
  readonly endpoint: string;
  readonly #target: string;
  readonly #port: number;
  readonly #links = new Set<Link>();
  #server: Server | undefined;
  #mode: Mode = "passing";
  #accepted = 0;

  constructor(target: string, port: number) {
    this.#target = target;
    this.#port = port;
    this.endpoint = `127.0.0.1:${port}`;
  }

  /** How many connections clients have made so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many of them are open. */
  get open(): number {
    return this.#links.size;
  }

  /** Resets every connection, and refuses new ones: nobody listens. */
  cut(): void {
    this.#mode = "refusing";
    this.reset();
    this.#server?.close();
    this.#server = undefined;
  }

  /** Resets every connection once; new ones are treated as before. */
  reset(): void {
    for (const link of this.#links) link.destroy();
  }

  /**
   * A black hole in both directions: connections stay open and are accepted, and nothing passes, not even their end.
   * As with packets that are sent again, {@link resume} delivers what was sent meanwhile.
   */
  hold(): void {
    this.#enter("holding");
  }

  /** The connections that are open now stay so, and nothing passes on them ever again; new ones pass. */
  strand(): void {
    this.#mode = "passing";
    for (const link of this.#links) link.strand();
  }

  /** Requests pass, answers are swallowed. The connections concerned are reset by {@link resume}. */
  dropAnswers(): void {
    this.#enter("dropping answers");
  }

  /** Everything passes again; after {@link cut}, resolves when the port listens again. */
  async resume(): Promise<void> {
    this.#enter("passing");
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => this.#accept(client));
    this.#server = server;
    server.listen({ host: "127.0.0.1", port: this.#port });
    await once(server, "listening");
  }

  /** Ends the proxy with all of its connections. */
  async close(): Promise<void> {
    const server = this.#server;
    this.cut();
    if (server !== undefined) await once(server, "close");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(mode: Exclude<Mode, "refusing">): void {
    this.#mode = mode;
    for (const link of this.#links) link.enter(mode);
  }

  #accept(client: Socket): void {
    if (this.#mode === "refusing") {
      reset(client);
      return;
    }
    this.#accepted++;
    const link = new Link(client, this.#target, () => this.#links.delete(link));
    this.#links.add(link);
    link.enter(this.#mode);
  }
}

/** One connection of a client, and, once something may pass, its continuation to the server. */
class Link {
  readonly #client: Socket;
  readonly #target: string;
  #server: Socket | undefined;
  /** Answers are missing: what follows them would make no sense. */
  #isBroken = false;
  #isStranded = false;

  constructor(client: Socket, target: string, onClose: () => void) {
    this.#client = client;
    this.#target = target;
    client.setNoDelay(true);
    client.on("error", () => this.destroy());
    client.on("close", () => {
      this.destroy();
      onClose();
    });
  }

  enter(mode: Exclude<Mode, "refusing">): void {
    if (this.#client.destroyed || this.#isStranded) return;
    if (mode === "passing" && this.#isBroken) {
      this.destroy();
      return;
    }
    this.#hold();
    if (mode === "holding") return;
    const server = this.#connect();
    this.#client.pipe(server);
    if (mode === "passing") {
      server.pipe(this.#client);
    } else {
      this.#isBroken = true;
      server.resume();
    }
  }

  strand(): void {
    this.#isStranded = true;
    this.#hold();
  }

  destroy(): void {
    reset(this.#client);
    if (this.#server !== undefined) reset(this.#server);
  }

  #hold(): void {
    const server = this.#server;
    if (server !== undefined) {
      this.#client.unpipe(server);
      server.unpipe(this.#client);
      server.pause();
    }
    this.#client.pause();
  }

  #connect(): Socket {
    if (this.#server !== undefined) return this.#server;
    const separator = this.#target.lastIndexOf(":");
    const port = Number(this.#target.slice(separator + 1));
    const server = connect({ host: this.#target.slice(0, separator), port, allowHalfOpen: true, noDelay: true });
    server.on("error", () => this.destroy());
    server.on("close", () => this.#client.destroy());
    this.#server = server;
    return server;
  }
}

/**
 * Ends a connection at once, and not in order. Node.js fails to reset one that is being shut down, or is not open yet,
 * loses its handle, and then spins for ever when the process is to end: so not by `resetAndDestroy()`, which shuts down
 * before it resets.
 */
function reset(socket: Socket): void {
  const isBeingShutDown = socket.writableEnded && !socket.writableFinished;
  if (!(isBeingShutDown || socket.connecting)) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
