import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

export interface ResourceRequest {
  readonly number: number;
  readonly name: string;
  readonly token: string;
}

export interface ResourceAnswer {
  readonly number: number;
  readonly isAccepted: boolean;
}

/** What a lock protects: it remembers the largest fencing token of each name, and refuses smaller ones. */
export class Resource {
  readonly #server: Server;
  readonly #largest = new Map<string, bigint>();
  readonly #sockets = new Set<Socket>();

  static async listen(path: string): Promise<Resource> {
    const resource = new Resource();
    resource.#server.listen(path);
    await once(resource.#server, "listening");
    return resource;
  }

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
    this.#server.unref();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    const lines = createInterface({ input: socket });
    // Its other side may have been killed.
    for (const source of [lines, socket]) source.on("error", () => socket.destroy());
    lines.on("line", (line) => {
      const { number, name, token }: ResourceRequest = JSON.parse(line);
      const answer: ResourceAnswer = { number, isAccepted: this.#accept(name, BigInt(token)) };
      socket.write(`${JSON.stringify(answer)}\n`);
    });
  }

  #accept(name: string, token: bigint): boolean {
    if (token < (this.#largest.get(name) ?? 0n)) return false;
    this.#largest.set(name, token);
    return true;
  }
}
