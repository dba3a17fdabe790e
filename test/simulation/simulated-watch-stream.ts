import type { Stream, StreamListener } from "#dist/etcd/connection.js";
import type { WatchRequest, WatchResponse } from "#dist/etcd/gen/etcd.js";
import { GrpcError, status } from "#dist/grpc/status.js";
import type { Route } from "./route.ts";
import type { Direction } from "./simulated-network.ts";
import type { WatchStreamEnd } from "./watch-hub.ts";

interface Message {
  readonly dueAt: number;
  readonly arrive: () => void;
}

/** A client's stream of watches: what comes, comes in order, until the stream breaks. */
export class SimulatedWatchStream implements WatchStreamEnd, Stream<WatchRequest> {
  readonly #route: Route;
  readonly #listener: StreamListener<WatchResponse>;
  readonly #removeStream: () => void;
  readonly #underWay: Readonly<Record<Direction, Message[]>> = { there: [], back: [] };
  #isBroken = false;
  #isOver = false;

  constructor(route: Route, listener: StreamListener<WatchResponse>) {
    this.#route = route;
    this.#listener = listener;
    const { process, network, member } = route;
    this.#removeStream = network.addStream(process, member, () => this.#break("the connection was reset"));
    if (member.state === "down") this.fail("connection refused");
    else this.#transmit("there", () => this.#isBroken || this.#isOver || member.watches.open(this));
  }

  send(request: WatchRequest): void {
    this.#transmit("there", () => this.#route.member.watches.receive(this, request));
  }

  cancel(): void {
    if (!this.#isOver) this.#end();
  }

  answer(response: WatchResponse): void {
    this.#transmit("back", () => this.#tell(() => this.#listener.onResponse(response)));
  }

  fail(message: string): void {
    this.#transmit("back", () => this.#break(message));
  }

  #break(message: string): void {
    this.#isBroken = true;
    this.#route.member.watches.close(this);
    this.#tell(() => {
      this.#end();
      this.#listener.onEnd(new GrpcError(status.UNAVAILABLE, message));
    });
  }

  #tell(what: () => void): void {
    this.#route.process.deliver("message", () => {
      if (!this.#isOver) what();
    });
  }

  #end(): void {
    this.#isOver = true;
    this.#removeStream();
    this.#route.member.watches.close(this);
  }

  #transmit(direction: Direction, arrive: () => void): void {
    const { time, network, process, member } = this.#route;
    const messages = this.#underWay[direction];
    const dueAt = Math.max(messages.at(-1)?.dueAt ?? 0, time.now + network.delayMs(process, member));
    messages.push({ dueAt, arrive });
    time.after(dueAt - time.now, () => this.#pass(direction));
  }

  /** While the way is silent nothing comes. What was sent then comes afterwards. */
  #pass(direction: Direction): void {
    const { time, network, process, member } = this.#route;
    const messages = this.#underWay[direction];
    for (let next = messages[0]; next !== undefined && next.dueAt <= time.now; next = messages[0]) {
      if (this.#isOver) return;
      if (!network.isOpen(process, member, direction)) {
        network.hold(process, member, () => this.#pass(direction));
        return;
      }
      messages.shift();
      if (direction === "there") member.receive(next.arrive);
      else next.arrive();
    }
  }
}
