import type { Random } from "../support/random.ts";
import type { SimulatedMember } from "./simulated-member.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/**
 * - `silent`: nothing comes through, in neither direction, and nobody is told.
 * - `deaf`: requests arrive, answers do not.
 * - `slow`: everything comes, after seconds.
 */
export type LinkState = "whole" | "silent" | "deaf" | "slow";

export type Direction = "there" | "back";

interface Link {
  state: LinkState;
  /** What was under way when it fell silent, and comes when it is whole again. */
  readonly held: (() => void)[];
  /** Streams that are open on it. */
  readonly streams: Set<() => void>;
}

/** The ways between processes and members: how long a message takes, and whether it arrives. */
export class SimulatedNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #onRequest = new Map<SimulatedProcess, () => void>();
  readonly #links = new Map<SimulatedProcess, Map<SimulatedMember, Link>>();

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  /** Has `arrive` called when the message arrives, if it does. */
  transmit(process: SimulatedProcess, member: SimulatedMember, direction: Direction, arrive: () => void): void {
    const delayMs = this.delayMs(process, member);
    if (this.isOpen(process, member, direction)) this.#time.after(delayMs, arrive);
    else if (this.#random.chance(0.5)) this.hold(process, member, arrive);
    const callback = direction === "there" ? this.#onRequest.get(process) : undefined;
    if (callback === undefined) return;
    this.#onRequest.delete(process);
    this.#time.after(0, callback);
  }

  /** Has `callback` called as soon as the process has sent its next request: the moment at which most can go wrong. */
  onNextRequest(process: SimulatedProcess, callback: () => void): void {
    this.#onRequest.set(process, callback);
  }

  delayMs(process: SimulatedProcess, member: SimulatedMember): number {
    const isSlow = this.#link(process, member).state === "slow";
    return isSlow ? this.#random.between(100, 4_000) : 0.1 + this.#random.exponential(0.5);
  }

  isOpen(process: SimulatedProcess, member: SimulatedMember, direction: Direction): boolean {
    const { state } = this.#link(process, member);
    return state === "whole" || state === "slow" || (state === "deaf" && direction === "there");
  }

  /** Has `arrive` called when the way is whole again: the system's own retransmissions carry it over. */
  hold(process: SimulatedProcess, member: SimulatedMember, arrive: () => void): void {
    this.#link(process, member).held.push(arrive);
  }

  change(process: SimulatedProcess, member: SimulatedMember, state: LinkState): void {
    const link = this.#link(process, member);
    link.state = state;
    if (state !== "whole") return;
    for (const arrive of link.held.splice(0)) this.#time.after(this.#random.exponential(20), arrive);
  }

  /** Breaks the streams between the two. */
  reset(process: SimulatedProcess, member: SimulatedMember): void {
    for (const breakStream of this.#link(process, member).streams) breakStream();
  }

  /** Has `onReset` called when the connection breaks. Returns what takes that back. */
  addStream(process: SimulatedProcess, member: SimulatedMember, onReset: () => void): () => void {
    const { streams } = this.#link(process, member);
    streams.add(onReset);
    return () => streams.delete(onReset);
  }

  heal(process: SimulatedProcess): void {
    for (const member of this.#links.get(process)?.keys() ?? []) this.change(process, member, "whole");
  }

  #link(process: SimulatedProcess, member: SimulatedMember): Link {
    const links = this.#links.get(process) ?? new Map<SimulatedMember, Link>();
    this.#links.set(process, links);
    const link = links.get(member) ?? { state: "whole", held: [], streams: new Set() };
    links.set(member, link);
    return link;
  }
}
