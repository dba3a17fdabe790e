import type { Alarm, Clock } from "#dist/clock.js";
import type { Random } from "../support/random.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What happens to a process from outside. */
interface Delivery {
  readonly kind: "timer" | "message";
  readonly callback: () => void;
}

type State =
  | { readonly kind: "running" }
  /** `isMachine`: so that its clocks stand still as well. */
  | { readonly kind: "frozen"; readonly since: number; readonly isMachine: boolean }
  | { readonly kind: "dead" };

/** So long after one delivery the next one comes, when a process that was frozen catches up, in milliseconds. */
const catchUpMs = 0.01;

/**
 * A process of a client: its clock, which runs at a rate of its own, and whether it runs at all. Frozen, nothing happens in
 * it until it is thawed; its clock goes on, unless the whole machine is paused.
 */
export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #rate: number;
  readonly #start: number;
  readonly #queue: Delivery[] = [];
  readonly #onThaw: () => void;
  #state: State = { kind: "running" };
  #standstillMs = 0;
  #wallLead = 0;
  #alarms = 0;

  /** `onThaw` is called in the first line after the process was frozen. */
  constructor(name: string, time: VirtualTime, random: Random, rate: number, onThaw: () => void) {
    this.name = name;
    this.#time = time;
    this.#random = random;
    this.#rate = rate;
    this.#start = random.between(1, 1e6);
    this.#onThaw = onThaw;
  }

  get isRunning(): boolean {
    return this.#state.kind === "running";
  }

  get isDead(): boolean {
    return this.#state.kind === "dead";
  }

  /** How many alarms are set. */
  get alarms(): number {
    return this.#alarms;
  }

  now(): number {
    return this.#start + (this.#time.now - this.#standstillMs) * this.#rate;
  }

  wallLead(): number {
    return this.#wallLead;
  }

  schedule(delayMs: number, callback: () => void): Alarm {
    const dueAt = this.now() + Math.max(0, delayMs);
    let isSet = true;
    let pending: Alarm | undefined;
    const unset = (): void => {
      if (isSet) this.#alarms -= 1;
      isSet = false;
      pending?.cancel();
    };
    const set = (): void => {
      const delay = (dueAt - this.now()) / this.#rate;
      pending = this.#time.after(delay + this.#lateness(), () => this.deliver("timer", ring));
    };
    const ring = (): void => {
      if (!isSet) return;
      if (this.now() < dueAt) set();
      else {
        unset();
        callback();
      }
    };
    this.#alarms += 1;
    if (delayMs !== Number.POSITIVE_INFINITY) set();
    return { cancel: unset };
  }

  /** Runs `callback` in this process, as soon as it can. */
  deliver(kind: Delivery["kind"], callback: () => void): void {
    if (this.isDead) return;
    if (this.isRunning && this.#queue.length === 0) callback();
    else this.#queue.push({ kind, callback });
  }

  /**
   * Stops, by itself or with its whole machine, whose clocks then go on as if no time had passed, and whose wall clock is
   * set right. Returns what ends just that.
   */
  freeze(isMachine = false): () => void {
    if (!this.isRunning) return () => {};
    const frozen: State = { kind: "frozen", since: this.#time.now, isMachine };
    this.#state = frozen;
    return () => {
      if (this.#state === frozen) this.thaw();
    };
  }

  thaw(): void {
    const state = this.#state;
    if (state.kind !== "frozen") return;
    this.#state = { kind: "running" };
    if (state.isMachine) {
      this.#standstillMs += this.#time.now - state.since;
      this.#wallLead += this.#time.now - state.since;
    }
    const timersFirst = this.#random.chance(0.5);
    const rank = ({ kind }: Delivery): number => ((kind === "timer") === timersFirst ? 0 : 1);
    this.#queue.sort((left, right) => rank(left) - rank(right));
    this.#onThaw();
    this.#catchUp();
  }

  kill(): void {
    this.#state = { kind: "dead" };
    this.#queue.length = 0;
  }

  jumpWall(ms: number): void {
    this.#wallLead += ms;
  }

  #catchUp(): void {
    if (this.#queue.length === 0) return;
    this.#time.after(catchUpMs, () => {
      if (!this.isRunning) return;
      this.#queue.shift()?.callback();
      this.#catchUp();
    });
  }

  /** A timer is never early, and on a busy machine late. */
  #lateness(): number {
    return this.#random.exponential(this.#random.chance(0.01) ? 30 : 0.5);
  }
}
