import type { Socket } from "node:net";
import { nowMs } from "../history/clock.ts";

/** What happens to bytes that go one way. */
export type Flow =
  | { readonly kind: "pass"; readonly delayMs: number }
  /** They stay on the way: as packets that are lost, and sent again and again. */
  | { readonly kind: "hold" }
  /** They are lost for good, and the connection is of no use any more. */
  | { readonly kind: "drop" };

export const passing: Flow = { kind: "pass", delayMs: 0 };

interface Packet {
  /** Nothing stands for the end of what is sent. */
  readonly bytes: Buffer | undefined;
  readonly arrivedAt: number;
}

/** So much may be on its way, in bytes, before the sender has to wait. */
const capacity = 1_048_576;

/** One direction of a connection. */
export class Pump {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #onBroken: () => void;
  #flow: Flow = passing;
  #packets: Packet[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasDropped = false;

  /** `onBroken` is called when bytes are to pass again after some were lost. */
  constructor(from: Socket, to: Socket, onBroken: () => void) {
    this.#from = from;
    this.#to = to;
    this.#onBroken = onBroken;
    from.on("data", (bytes) => this.#take(typeof bytes === "string" ? Buffer.from(bytes) : bytes));
    from.on("end", () => this.#take(undefined));
    to.on("close", () => clearTimeout(this.#timer));
  }

  set(flow: Flow): void {
    this.#flow = flow;
    if (this.#hasDropped && flow.kind !== "drop") this.#onBroken();
    else this.#flush();
  }

  #take(bytes: Buffer | undefined): void {
    this.#packets.push({ bytes, arrivedAt: nowMs() });
    this.#size += bytes?.length ?? 0;
    if (this.#size > capacity) this.#from.pause();
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    const flow = this.#flow;
    if (flow.kind === "hold") return;
    if (flow.kind === "drop") {
      this.#hasDropped ||= this.#packets.length > 0;
      this.#packets = [];
      this.#size = 0;
    } else this.#deliver(flow.delayMs);
    if (this.#size <= capacity) this.#from.resume();
  }

  #deliver(delayMs: number): void {
    const now = nowMs();
    let next = this.#packets[0];
    while (next !== undefined && next.arrivedAt + delayMs <= now) {
      this.#packets.shift();
      this.#size -= next.bytes?.length ?? 0;
      if (next.bytes === undefined) this.#to.end();
      else if (this.#to.writable) this.#to.write(next.bytes);
      next = this.#packets[0];
    }
    if (next !== undefined) this.#timer = setTimeout(() => this.#flush(), next.arrivedAt + delayMs - now);
  }
}
