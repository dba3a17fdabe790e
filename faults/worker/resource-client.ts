import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { ResourceAnswer, ResourceRequest } from "../run/resource.ts";

/** A way to the resource that checks fencing tokens, open from the start. */
export class ResourceClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (isAccepted: boolean) => void>();
  #count = 0;

  static async connect(path: string): Promise<ResourceClient> {
    const socket = connect(path);
    await once(socket, "connect");
    return new ResourceClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    lines.on("line", (line) => {
      const { number, isAccepted }: ResourceAnswer = JSON.parse(line);
      this.#waiting.get(number)?.(isAccepted);
      this.#waiting.delete(number);
    });
    // The run is over.
    for (const source of [lines, socket]) source.on("error", () => undefined);
    socket.unref();
  }

  /** Resolves to whether the write was accepted. */
  write(name: string, token: string): Promise<boolean> {
    this.#count += 1;
    const request: ResourceRequest = { number: this.#count, name, token };
    return new Promise((resolve) => {
      this.#waiting.set(request.number, resolve);
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
  }
}
