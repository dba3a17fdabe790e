import { Scope } from "./abort.ts";
import type { ResolvedAcquire } from "./acquire-options.ts";
import type { Clock } from "./clock.ts";
import { HeldLock, type HeldLockListener } from "./held-lock.ts";
import { admitToLines } from "./line/admit-to-lines.ts";
import { type Admission, entryKey } from "./line/entry.ts";
import type { Line } from "./line/inspect-line.ts";
import type { LineName } from "./line/line-name.ts";
import type { Patience } from "./line/wait-for-turn.ts";
import type { LockManagerEvents } from "./lock-events.ts";
import type { SessionPool } from "./session/session-pool.ts";
import { waitTimeout } from "./wait-timeout.ts";

/** What a manager gives its acquisitions. */
export interface AcquisitionContext {
  readonly clock: Clock;
  readonly pool: SessionPool;
  /** Aborts when the manager is closed. */
  readonly closed: Scope;
  /** Those that have not been given back yet. */
  readonly locks: Set<HeldLock>;
  readonly listener: HeldLockListener;
  inspect(name: string): Promise<Line>;
  tell<Name extends keyof LockManagerEvents>(name: Name, payload: LockManagerEvents[Name][0]): void;
}

/** Takes the locks of `lines`, all in one step. @throws as `LockManager.acquire`; NotAvailableError when it is not to wait. */
export async function takeLocks(
  context: AcquisitionContext,
  lines: readonly LineName[],
  patience: Patience,
  options: ResolvedAcquire,
): Promise<readonly HeldLock[]> {
  const { clock, pool, closed, tell } = context;
  const startedAt = clock.now();
  const names = lines.map(({ name }) => name);
  tell("acquiring", { names });
  using limit = waitTimeout(clock, options.timeoutMs, context.inspect);
  using scope = new Scope(closed, limit?.scope, options.signal);
  try {
    const admissions = await admitToLines({
      clock,
      lines,
      value: options.value,
      patience,
      signal: scope,
      connectTimeoutMs: options.connectTimeoutMs,
      takeSession: (timeoutMs) => pool.take(options.ttl, timeoutMs, scope),
      onWaiting: (entry) => {
        const waiting = { name: entry.line.name, key: entryKey(entry) };
        limit?.inLine(waiting);
        options.onWaiting?.(waiting);
        tell("waiting", waiting);
      },
    });
    return admissions.map((admission) => hold(context, admission, options, startedAt));
  } catch (error) {
    tell("failed", { names, waited: clock.now() - startedAt, error });
    throw error;
  }
}

function hold(
  { clock, locks, listener, tell }: AcquisitionContext,
  admission: Admission,
  options: ResolvedAcquire,
  startedAt: number,
): HeldLock {
  const lock = new HeldLock(admission, options, listener);
  locks.add(lock);
  tell("acquired", { lock, waited: clock.now() - startedAt });
  return lock;
}
