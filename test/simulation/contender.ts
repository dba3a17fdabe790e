import { sleep } from "#dist/abort.js";
import {
  type AcquireOptions,
  EtcdLockError,
  EtcdRefusedError,
  EtcdUnavailableError,
  type HeldLock,
  LockLostError,
  LockTimeoutError,
  NotHeldError,
} from "#dist/index.js";
import type { Random } from "../support/random.ts";
import type { HoldLedger, Stay } from "./hold-ledger.ts";
import { names } from "./lock-names.ts";
import type { SimulatedHost } from "./simulated-host.ts";

/** What a program gives up waiting with. */
class ChangedMind extends Error {}

/** A program on a host that takes locks, goes inside, looks whether it still holds, and gives them back, again and again. */
export class Contender {
  readonly #host: SimulatedHost;
  readonly #ledger: HoldLedger;
  readonly #random: Random;
  readonly #isOver: () => boolean;
  /** What it is doing: for whoever wants to know why it does not end. */
  doing = "nothing";

  constructor(host: SimulatedHost, ledger: HoldLedger, random: Random, isOver: () => boolean) {
    this.#host = host;
    this.#ledger = ledger;
    this.#random = random;
    this.#isOver = isOver;
  }

  /** Resolves when it is over, and nothing is held or waited for any more. */
  async run(): Promise<void> {
    while (!this.#isOver()) {
      await this.#sleep(this.#random.exponential(60));
      try {
        await this.#takeTurn();
      } catch (error) {
        if (!isExpected(error))
          this.#ledger.report("errors", `${this.#host.process.name}: ${this.doing}: ${describe(error)}`);
      }
      this.doing = "nothing";
    }
  }

  async #takeTurn(): Promise<void> {
    const { manager } = this.#host;
    const kind = this.#random.fraction();
    const name = this.#random.oneOf(names.exclusive);
    const options = this.#options();
    if (kind < 0.1) {
      this.doing = `tryAcquire ${name}`;
      const lock = await manager.tryAcquire(name);
      if (lock !== null) await this.#hold([lock], 1);
    } else if (kind < 0.2) {
      this.doing = "acquireAll";
      const locks = await manager.acquireAll(names.exclusive, options);
      await this.#hold(
        names.exclusive.map((each) => locks.get(each)),
        1,
        () => locks.release(),
      );
    } else if (kind < 0.45) {
      this.doing = `acquire ${names.mixed}`;
      const limit = this.#random.oneOf([1, 2, 3, Number.POSITIVE_INFINITY]);
      const mode = limit === Number.POSITIVE_INFINITY ? { mode: "shared" as const } : { permits: limit };
      await this.#hold([await manager.acquire(names.mixed, { ...options, ...mode })], limit);
    } else {
      this.doing = `acquire ${name}`;
      await this.#hold([await manager.acquire(name, options)], 1);
    }
  }

  #options(): AcquireOptions {
    const random = this.#random;
    const signal = random.chance(0.1) ? this.#changeMindLater() : undefined;
    return {
      ...(random.chance(0.1) && { timeout: random.between(0, 3_000) }),
      ...(random.chance(0.05) && { atLeast: Math.ceil(random.between(1, 1_500)) }),
      ...(signal !== undefined && { signal }),
    };
  }

  #changeMindLater(): AbortSignal {
    const controller = new AbortController();
    this.#host.process.schedule(this.#random.exponential(800), () => controller.abort(new ChangedMind()));
    return controller.signal;
  }

  async #hold(locks: readonly HeldLock[], limit: number, release?: () => Promise<boolean>): Promise<void> {
    const stays = locks.map((lock) => this.#ledger.enter(this.#host.process, lock, limit));
    try {
      await this.#work(stays);
    } finally {
      for (const stay of stays) this.#ledger.leave(stay);
      this.doing = `release of ${locks.map(({ name }) => name).join(", ")}`;
      await (release?.() ?? Promise.all(locks.map((lock) => lock.release())));
    }
  }

  /** Looks before each step whether everything is still held, and stops when it is not. */
  async #work(stays: readonly Stay[]): Promise<void> {
    const random = this.#random;
    const [first] = stays;
    this.doing = `holding ${first?.lock.name}`;
    const isLong = random.chance(0.05);
    const isLost = (): boolean => stays.some(({ lock }) => lock.signal.aborted);
    for (let steps = random.below(isLong ? 60 : 6); steps > 0 && !this.#isOver() && !isLost(); steps -= 1) {
      for (const { lock } of stays) this.#ledger.look(lock.name);
      if (first !== undefined && random.chance(0.05)) await this.#tend(first.lock);
      await this.#sleep(random.exponential(isLong ? 150 : 15));
    }
    // Whoever is told of a loss needs some time to stop; but he does not go on with what the lock protects.
    for (const stay of stays) if (stay.lock.signal.aborted) this.#ledger.leave(stay);
    if (isLost()) await this.#sleep(random.exponential(500));
  }

  async #tend(lock: HeldLock): Promise<void> {
    const random = this.#random;
    const choice = random.below(4);
    if (choice >= 2) this.#ledger.rewrite(lock);
    try {
      if (choice === 0) await lock.renew();
      else if (choice === 1) await lock.verify();
      else if (choice === 2) await lock.setMetadata({ number: random.below(100) });
      else await this.#host.manager.changeTtl(lock, random.oneOf([2, 3, 4, 10]));
    } catch (error) {
      // The lease that a lock is moved to can end on the way.
      const isLeaseGone = error instanceof EtcdRefusedError && error.status === "NOT_FOUND";
      if (!(isExpected(error) || isLeaseGone)) throw error;
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return sleep(this.#host.process, delayMs);
  }
}

/** What calls may fail with while etcd, the network and processes fail. */
function isExpected(error: unknown): boolean {
  if (error instanceof EtcdLockError && error.code === "CLOSED") return true;
  // Without space, etcd refuses newcomers.
  if (error instanceof EtcdRefusedError && error.status === "RESOURCE_EXHAUSTED") return true;
  return [ChangedMind, EtcdUnavailableError, LockLostError, LockTimeoutError, NotHeldError].some(
    (expected) => error instanceof expected,
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.stack}` : String(error);
}
