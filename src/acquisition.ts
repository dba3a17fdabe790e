import { Scope } from "./abort.ts";
import type { ResolvedAcquire } from "./acquire-options.ts";
import type { Clock } from "./clock.ts";
import { HeldLock } from "./held-lock.ts";
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
  const startedAt = context.clock.now();
  const names = lines.map(({ name }) => name);
  context.tell("acquiring", { names });
  try {
    const admissions = await waitForAdmissions(context, lines, patience, options);
    return admissions.map((admission) => hold(context, admission, options, startedAt));
  } catch (error) {
    context.tell("failed", { names, waited: context.clock.now() - startedAt, error });
    throw error;
  }
}

async function waitForAdmissions(
  context: AcquisitionContext,
  lines: readonly LineName[],
  patience: Patience,
  options: ResolvedAcquire,
): Promise<readonly Admission[]> {
  const { clock, pool, closed } = context;
  using limit = waitTimeout(clock, options.timeoutMs, (name) => context.inspect(name));
  using scope = new Scope(closed, limit.scope, options.signal);
  return await admitToLines({
    clock,
    lines,
    value: options.value,
    patience,
    signal: scope,
    connectTimeoutMs: options.connectTimeoutMs,
    takeSession: (timeoutMs) => pool.take(options.ttl, timeoutMs, scope),
    onWaiting: (entry) => {
      const waiting = { name: entry.line.name, key: entryKey(entry) };
      limit.inLine(waiting);
      options.onWaiting?.(waiting);
      context.tell("waiting", waiting);
    },
  });
}

function hold(
  { clock, locks, tell }: AcquisitionContext,
  admission: Admission,
  options: ResolvedAcquire,
  startedAt: number,
): HeldLock {
  const heldAt = clock.now();
  const lock: HeldLock = new HeldLock(admission, options, {
    onRenewed: () => tell("renewed", { lock }),
    onAtRisk: () => tell("atRisk", { lock, remaining: lock.remaining }),
    onLost: (error) => tell("lost", { lock, error }),
    onReleased: () => {
      locks.delete(lock);
      tell("released", { lock, heldFor: clock.now() - heldAt });
    },
  });
  locks.add(lock);
  tell("acquired", { lock, waited: heldAt - startedAt });
  return lock;
}
