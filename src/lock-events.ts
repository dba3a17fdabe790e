import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { Waiting } from "./acquire-options.ts";
import type { LockLostError } from "./errors.ts";
import type { HeldLock } from "./held-lock.ts";

/** What a `LockManager` tells, and with what. Durations are in milliseconds. */
export interface LockManagerEvents {
  /** Somebody began to take locks. */
  acquiring: [{ readonly names: readonly string[] }];
  /** A lock is not to be had at once: its line has been entered. */
  waiting: [Waiting];
  /** A lock is held, after `waited`. */
  acquired: [{ readonly lock: HeldLock; readonly waited: number }];
  /** Locks were not taken, after `waited`. */
  failed: [{ readonly names: readonly string[]; readonly waited: number; readonly error: unknown }];
  /** Lease and hold record of a held lock have been renewed. */
  renewed: [{ readonly lock: HeldLock }];
  /** A renewal was tried and failed. Locks are held on until their deadlines, and the next try comes soon. */
  renewalFailed: [{ readonly error: Error }];
  /** Half the TTL has passed, and time for a try, without a renewal: not lost yet. The next `renewed` ends it. */
  atRisk: [{ readonly lock: HeldLock; readonly remaining: number }];
  /** A held lock has been lost. */
  lost: [{ readonly lock: HeldLock; readonly error: LockLostError }];
  /** A lock was given back after `heldFor`, or what was left of a lost one has been cleaned up. */
  released: [{ readonly lock: HeldLock; readonly heldFor: number }];
}

type EventName = keyof LockManagerEvents;

/** Each event is also published on the diagnostics channel `etcd-lock:<event>`, with the same payload. */
const channels = new Map(
  (
    ["acquiring", "waiting", "acquired", "failed", "renewed", "renewalFailed", "atRisk", "lost", "released"] as const
  ).map((name) => [name, channel(`etcd-lock:${name}`)]),
);

/** An emitter whose events go to `node:diagnostics_channel` as well. */
export class LockEvents extends EventEmitter<LockManagerEvents> {
  /** @internal */
  protected tell<Name extends EventName>(name: Name, payload: LockManagerEvents[Name][0]): void {
    const published = channels.get(name);
    if (published?.hasSubscribers) published.publish(payload);
    try {
      // TypeScript cannot see that the payload of a generic name is that name's.
      (this as EventEmitter).emit(name, payload);
    } catch (error) {
      // What a listener throws is not ours to handle, and must not come between us and etcd.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
