import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { findFreePorts } from "#dist/testing/free-ports.js";
import { type Flow, Pump, passing } from "./pump.ts";

/** What happens on a connection: to what goes to the server, and to what comes back. */
export interface Rule {
  readonly requests: Flow;
  readonly answers: Flow;
}

export const wholeNetwork: Rule = { requests: passing, answers: passing };

/** A network between one server and those that connect to it, with a rule for each of them. */
export class FaultyProxy {
  /** Where to connect instead: `127.0.0.1:port`. */
  readonly address: string;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #ruleFor: (from: string | undefined) => Rule = () => wholeNetwork;

  /** `identify` tells who a connection is from; it is asked once for each. */
  static async start(target: string, identify: (client: Socket) => string | undefined): Promise<FaultyProxy> {
    const [port = 0] = await findFreePorts(1);
    const proxy = new FaultyProxy(target, port, identify);
    proxy.#server.listen({ host: "127.0.0.1", port });
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: string, port: number, identify: (client: Socket) => string | undefined) {
    this.address = `127.0.0.1:${port}`;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      const link = new Link(client, target, identify(client), () => this.#links.delete(link));
      this.#links.add(link);
      link.set(this.#ruleFor(link.from));
    });
    // A process that ends by an error is not to be kept alive by what it tests.
    this.#server.unref();
  }

  /** What holds for connections, old and new, by who they are from. */
  set(ruleFor: (from: string | undefined) => Rule): void {
    this.#ruleFor = ruleFor;
    for (const link of this.#links) link.set(ruleFor(link.from));
  }

  /** Resets every connection once. */
  reset(): void {
    for (const link of this.#links) link.destroy();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.reset();
    await once(this.#server, "close");
  }
}

/** One connection, and its continuation to the server. */
class Link {
  readonly from: string | undefined;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #requests: Pump;
  readonly #answers: Pump;

  constructor(client: Socket, target: string, from: string | undefined, onClose: () => void) {
    this.from = from;
    this.#client = client;
    const separator = target.lastIndexOf(":");
    this.#server = connect({
      host: target.slice(0, separator),
      port: Number(target.slice(separator + 1)),
      allowHalfOpen: true,
      noDelay: true,
    });
    client.setNoDelay(true);
    const destroy = (): void => this.destroy();
    this.#requests = new Pump(client, this.#server, destroy);
    this.#answers = new Pump(this.#server, client, destroy);
    for (const socket of [client, this.#server]) socket.on("error", destroy);
    this.#server.on("close", destroy);
    client.on("close", () => {
      this.destroy();
      onClose();
    });
  }

  set({ requests, answers }: Rule): void {
    if (this.#client.destroyed) return;
    this.#requests.set(requests);
    this.#answers.set(answers);
  }

  destroy(): void {
    reset(this.#client);
    reset(this.#server);
  }
}

/** At once, and not in order. One that is being shut down cannot be reset (see `test/support/tcp-proxy.ts`). */
function reset(socket: Socket): void {
  const isBeingShutDown = socket.writableEnded && !socket.writableFinished;
  if (!isBeingShutDown) Object.assign(socket, { resetAndClosing: true });
  socket.destroy();
}
