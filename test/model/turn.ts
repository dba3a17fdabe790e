import assert from "node:assert/strict";
import {
  type AcquireOptions,
  EtcdLockError,
  type Lock,
  LockLostError,
  type LockManager,
  LockTimeoutError,
  NotHeldError,
} from "#dist/index.js";
import type { Contender } from "./line-model.ts";

/** One lock that somebody has got. */
export interface Held {
  readonly name: string;
  readonly token: bigint;
  readonly isHeld: () => boolean;
  /** Whether it was held until then. */
  readonly release: () => Promise<boolean>;
  /** Changes what others see of it. */
  readonly note?: (note: number) => Promise<void>;
  /** Moves it to leases with another TTL, in seconds. */
  readonly moveTo?: (ttl: number) => Promise<void>;
}

/** What somebody has got: one lock or several. */
export interface Taken {
  readonly locks: readonly Held[];
  readonly release: () => Promise<boolean>;
}

export interface TurnOptions {
  readonly label: string;
  readonly names: readonly string[];
  readonly limit: number;
  readonly isSilent?: boolean;
  /** Takes the locks; `null` when they are not to be had, and it does not want to wait. */
  readonly take: (signal: AbortSignal) => Promise<Taken | null>;
  /** How it gives up waiting; by its signal, if nothing is said. */
  readonly giveUp?: () => Promise<void>;
}

class ChangedMind extends Error {}

/** One of ours, from when it asks for locks until it has given them back. */
export class Turn implements Contender {
  readonly label: string;
  readonly names: readonly string[];
  readonly limit: number;
  readonly isOurs = true;
  readonly isSilent: boolean;
  /** What it has got. */
  taken: Taken | undefined;
  /** It has given back a lock that was lost. */
  hasLost = false;
  readonly #waited: Promise<boolean>;
  readonly #controller = new AbortController();
  readonly #giveUp: () => Promise<void>;

  constructor({ label, names, limit, isSilent = false, take, giveUp }: TurnOptions, onServed: (turn: Turn) => void) {
    this.label = label;
    this.names = names;
    this.limit = limit;
    this.isSilent = isSilent;
    this.#giveUp = giveUp ?? (async () => this.#controller.abort(new ChangedMind()));
    this.#waited = take(this.#controller.signal).then(
      (taken) => {
        if (taken === null) return false;
        this.taken = taken;
        onServed(this);
        return true;
      },
      (error: unknown) => {
        if (isExpected(error)) return false;
        throw error;
      },
    );
    this.#waited.catch(() => undefined);
  }

  /** Resolves, when it need not wait any more, with whether it was served. Rejects when it fails as it should not. */
  wait(): Promise<boolean> {
    return this.#waited;
  }

  /** Gives up waiting. Whether it was served all the same. */
  async giveUp(): Promise<boolean> {
    await this.#giveUp();
    return await this.#waited;
  }

  /** The lock `name`, once it has been served. */
  lockOf(name: string): Held {
    const lock = this.taken?.locks.find((each) => each.name === name);
    assert.ok(lock, `${this.label} has not got ${name}`);
    return lock;
  }
}

/** Waits with a `LockManager`: for one lock or several, or for the leadership of an election. */
export async function takeWith(
  manager: LockManager,
  names: readonly string[],
  options: AcquireOptions,
  how: "wait" | "try" | "elect",
): Promise<Taken | null> {
  const [name = "", ...others] = names;
  if (how === "elect") {
    const leader = await manager.elect(name, { ...options, value: `${options.id}` });
    const isHeld = (): boolean => leader.held;
    const release = (): Promise<boolean> => leader.resign();
    return { locks: [{ name, token: leader.fencingToken, isHeld, release }], release };
  }
  const taken =
    others.length > 0
      ? await (how === "try" ? manager.tryAcquireAll(names, options) : manager.acquireAll(names, options))
      : await (how === "try" ? manager.tryAcquire(name, options) : manager.acquire(name, options));
  if (taken === null) return null;
  const locks = "names" in taken ? names.map((each) => taken.get(each)) : [taken];
  return {
    locks: locks.map((lock) => ({
      name: lock.name,
      token: lock.fencingToken,
      isHeld: () => lock.held,
      release: () => lock.release(),
      note: (note) => lock.setMetadata({ note }),
    })),
    release: () => taken.release(),
  };
}

/** How a program written for 1.x takes a lock. */
export function classicTurn(lock: Lock): Pick<TurnOptions, "take" | "giveUp"> {
  const release = async (): Promise<boolean> => {
    try {
      await lock.unlock();
      return true;
    } catch (error) {
      if (error instanceof NotHeldError || error instanceof LockLostError) return false;
      throw error;
    }
  };
  const take = async (): Promise<Taken> => {
    await lock.lock();
    const { key: name, fencingToken: token = 0n } = lock;
    const moveTo = async (ttl: number): Promise<void> => {
      lock.ttl = ttl;
      await lock.lock();
    };
    return { locks: [{ name, token, isHeld: () => lock.held, release, moveTo }], release };
  };
  return { take, giveUp: async () => void (await release()) };
}

/** What a wait may end with. */
function isExpected(error: unknown): boolean {
  if (error instanceof EtcdLockError && ["CLOSED", "LOCK_ABANDONED"].includes(error.code)) return true;
  return error instanceof ChangedMind || error instanceof LockTimeoutError;
}
