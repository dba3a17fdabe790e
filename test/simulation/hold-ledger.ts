import type { HeldLock, LockLostError } from "#dist/index.js";
import type { Random } from "../support/random.ts";
import type { EtcdModel } from "./etcd-model.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { type Invariant, Violation } from "./violation.ts";

/** One hold of a lock, as the program that has it believes. */
export interface Stay {
  readonly process: SimulatedProcess;
  readonly lock: HeldLock;
  /** With how many, itself included, it can be inside. */
  readonly limit: number;
  /** In true time. */
  readonly since: number;
  /** The program has not stopped yet. */
  isInside: boolean;
}

/** Knows of all holds, wherever they are, and checks what must be true of them. */
export class HoldLedger {
  readonly #model: () => EtcdModel;
  readonly #random: Random;
  readonly #now: () => number;
  readonly #stays = new Map<string, Set<Stay>>();
  readonly #highestEnded = new Map<string, bigint>();
  readonly #told = new WeakSet<HeldLock>();
  readonly #rewritten = new WeakSet<HeldLock>();
  readonly violations: Violation[] = [];
  /** When etcd could write again after it had had no space. */
  spaceCameBackAt = Number.NEGATIVE_INFINITY;
  holds = 0;
  losses = 0;

  /** `now` is true time. */
  constructor(model: () => EtcdModel, random: Random, now: () => number) {
    this.#model = model;
    this.#random = random;
    this.#now = now;
  }

  report(invariant: Invariant, what: string): void {
    this.violations.push(new Violation(invariant, what));
  }

  /** A program has got a lock, and goes inside. */
  enter(process: SimulatedProcess, lock: HeldLock, limit: number): Stay {
    const stay: Stay = { process, lock, limit, since: this.#now(), isInside: true };
    const stays = this.#stays.get(lock.name) ?? new Set();
    this.#stays.set(lock.name, stays.add(stay));
    this.holds += 1;
    const highest = this.#highestEnded.get(lock.name) ?? 0n;
    if (limit === 1 && lock.held && lock.fencingToken <= highest) {
      this.report("tokens", `${process.name} got token ${lock.fencingToken} of ${lock.name} after ${highest}`);
    }
    this.look(lock.name);
    return stay;
  }

  /** What the lock's keys say, or which leases they are bound to, is being changed. */
  rewrite(lock: HeldLock): void {
    this.#rewritten.add(lock);
  }

  /** The program has stopped. */
  leave(stay: Stay): void {
    if (!stay.isInside) return;
    stay.isInside = false;
    const { name, fencingToken } = stay.lock;
    this.#stays.get(name)?.delete(stay);
    const highest = this.#highestEnded.get(name) ?? 0n;
    if (fencingToken > highest) this.#highestEnded.set(name, fencingToken);
  }

  /** Everybody who can look at their lock `name` now does. */
  look(name: string): void {
    const inside = [...(this.#stays.get(name) ?? [])].filter(
      (stay) => stay.process.isRunning && stay.lock.held && !this.#isOnLeaseAlone(stay),
    );
    if (inside.every(({ limit }) => inside.length <= limit)) return;
    const who = inside.map(
      ({ process, lock, limit }) => `${process.name} (token ${lock.fencingToken}, limit ${limit})`,
    );
    this.report("exclusion", `${name} is held by ${who.join(" and ")}`);
  }

  /** What was renewed while etcd wrote nothing has the promise of its lease alone, until it has to be renewed again. */
  #isOnLeaseAlone({ lock, since }: Stay): boolean {
    return since < this.spaceCameBackAt && this.#now() < this.spaceCameBackAt + lock.ttl * 1_000;
  }

  /** Whether a program in `process` is inside. */
  isInside(process: SimulatedProcess): boolean {
    return [...this.#stays.values()].some((stays) => [...stays].some((stay) => stay.process === process));
  }

  /** Whether a lock that `process` has is bound to the lease. */
  holdsWith(process: SimulatedProcess, leaseId: bigint): boolean {
    const stays = [...this.#stays.values()].flatMap((each) => [...each]);
    return stays.some((stay) => stay.process === process && stay.lock.leaseId === leaseId);
  }

  /** Whether a key is the entry of somebody who is inside, as it was when the line was entered. */
  isHeld(key: string, leaseId: bigint, createRevision: bigint): boolean {
    const stays = [...(this.#stays.get(key.replace(/\/[^/]*$/, "")) ?? [])];
    return stays.some(
      ({ lock }) => !this.#rewritten.has(lock) && lock.leaseId === leaseId && lock.createRevision === createRevision,
    );
  }

  /** A process goes on after it was frozen, or has ended. */
  review(process: SimulatedProcess): void {
    for (const [name, stays] of this.#stays) {
      const own = [...stays].filter((stay) => stay.process === process);
      if (process.isDead) for (const stay of own) this.leave(stay);
      // Who looks at once is right at once. Who does not must be right later all the same.
      else if (own.length > 0 && this.#random.chance(0.5)) this.look(name);
    }
  }

  /** A manager has told of a loss. */
  hearOfLoss(lock: HeldLock, error: LockLostError): void {
    this.losses += 1;
    if (this.#told.has(lock)) this.report("loss", `the loss of ${lock.name} is told a second time: ${error.message}`);
    this.#told.add(lock);
    if (!lock.signal.aborted) this.report("loss", `the loss of ${lock.name} is told, and its signal has not aborted`);
    const unfounded = this.#rewritten.has(lock) ? undefined : this.#whyUnfounded(lock, error);
    if (unfounded !== undefined) this.report("loss", `${error.message}, though ${unfounded}`);
  }

  #whyUnfounded(
    { createRevision, leaseId }: HeldLock,
    { reason, key, fencingToken }: LockLostError,
  ): string | undefined {
    const { keys, endedLeases } = this.#model();
    const isThere = (prefix: string, revision: bigint): boolean =>
      [...keys].some(
        ([name, found]) => name.startsWith(prefix) && found.createRevision === revision && found.lease !== 0n,
      );
    if (reason === "cluster-changed") return "there is one cluster only";
    const [hasEntry, hasRecord] = [isThere(`${key}/`, createRevision), isThere(`${key}!`, fencingToken)];
    if (reason === "record-gone" && hasRecord) return "the hold record is there";
    if (reason === "entry-deleted" && hasEntry) return "the entry is there";
    // Whoever asks whether a lease is there grants it anew when it is not, and for a moment it can be entered with.
    if (reason === "lease-ended" && hasEntry && hasRecord && !endedLeases.has(leaseId))
      return "both its keys are there";
    return undefined;
  }
}
