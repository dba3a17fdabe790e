import { setTimeout as delay } from "node:timers/promises";
import type { Recorder } from "../history/recorder.ts";
import type { Beliefs } from "./beliefs.ts";
import type { Choice } from "./choose-wish.ts";
import type { LockTaker, TakenLock } from "./lock-taker.ts";
import type { ResourceClient } from "./resource-client.ts";

/** What a turn needs. */
export interface TurnContext {
  readonly who: string;
  readonly ttlSeconds: number;
  readonly taker: LockTaker;
  readonly recorder: Recorder;
  readonly beliefs: Beliefs;
  readonly resource: ResourceClient;
}

const lookMs = 5;
/** So long, in milliseconds, does somebody heedless go on after a loss. */
const heedlessMs = 1_000;

/** Takes locks once, stays inside, and gives them back; everything is written down. */
export async function takeTurn(context: TurnContext, attempt: string, choice: Choice): Promise<void> {
  const { who, taker, recorder } = context;
  recorder.write({ kind: "requested", who, attempt, names: choice.names, family: "own" });
  try {
    const { patienceMs } = choice;
    const locks = await taker.take({
      ...choice,
      signal: patienceMs === undefined ? new AbortController().signal : AbortSignal.timeout(Math.ceil(patienceMs)),
      onWaiting: (name, key) => recorder.write({ kind: "waiting", attempt, name, key }),
    });
    if (locks !== null) await stayInside(context, attempt, choice, locks);
    recorder.write({ kind: "ended", attempt, reason: locks === null ? "not to be had" : "done" });
  } catch (error) {
    recorder.write({ kind: "ended", attempt, reason: String(error).slice(0, 200) });
  }
}

async function stayInside(
  context: TurnContext,
  attempt: string,
  choice: Choice,
  locks: readonly TakenLock[],
): Promise<void> {
  const stays = locks.map((lock) => enter(context, attempt, lock));
  try {
    await work(context, attempt, choice, locks);
  } finally {
    for (const { leave } of stays) leave();
    await Promise.all(stays.map(({ release }) => release()));
  }
}

/** Notes that somebody is inside from now on. */
function enter(
  { recorder, beliefs, ttlSeconds }: TurnContext,
  attempt: string,
  lock: TakenLock,
): { leave: () => void; release: () => Promise<void> } {
  const { name, token, limit, key, createRevision } = lock;
  recorder.write({ kind: "entered", attempt, name, token, limit, key, createRevision, ttlSeconds });
  lock.onLost((reason) => recorder.write({ kind: "lost", attempt, name, reason }));
  const stopFollowing = beliefs.follow(attempt, name, () => lock.isInside());
  return {
    leave: () => {
      stopFollowing();
      recorder.write({ kind: "left", attempt, name });
    },
    release: async () => {
      const wasHeld = await lock.release().catch(() => null);
      recorder.write({ kind: "released", attempt, name, wasHeld });
    },
  };
}

/** Writes to the resource until the stay is over, or the lock is lost; who is heedless goes on for a while. */
async function work(
  context: TurnContext,
  attempt: string,
  { stayMs, isHeedless, mode, permits }: Choice,
  locks: readonly TakenLock[],
): Promise<void> {
  const isProtected = mode === "exclusive" && permits === 1;
  const areInside = (): boolean => locks.every((lock) => lock.isInside());
  const leavesAt = performance.now() + stayMs;
  let lostAt: number | undefined;
  while (lostAt === undefined ? performance.now() < leavesAt : performance.now() < lostAt + heedlessMs) {
    if (!areInside()) {
      if (!isHeedless) return;
      lostAt ??= performance.now();
    }
    if (isProtected) await write(context, attempt, locks);
    await delay(isProtected ? lookMs * 4 : lookMs);
  }
}

async function write({ resource, recorder }: TurnContext, attempt: string, locks: readonly TakenLock[]): Promise<void> {
  for (const lock of locks) {
    const { name, token } = lock;
    const wasInsideBefore = lock.isInside();
    const isAccepted = await resource.write(name, token);
    const wasInside = wasInsideBefore && lock.isInside();
    recorder.write({ kind: "written", attempt, name, token, isAccepted, wasInside });
  }
}
