import { setMaxListeners } from "node:events";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Job } from "../protocol.ts";
import type { Locker, LockPeer } from "./lock-peer.ts";

/** `performance.now()` counts from the start of the process; CLOCK_MONOTONIC is the same everywhere. */
const originNs = Number(process.hrtime.bigint()) - performance.now() * 1e6;

/**
 * Has every caller take and give back its lock, again and again, from `atNs` until `untilNs`; who is still waiting then
 * leaves the line. Resolves with the numbers of all turns.
 */
export async function takeTurns(peer: LockPeer, job: Job, atNs: number, untilNs: number): Promise<readonly number[]> {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const end = setTimeout(() => controller.abort(), msUntil(untilNs));
  try {
    const callers = Array.from({ length: job.callers }, async (_, caller) => {
      const firstNs = atNs + (job.startDelayMs + caller * job.startStepMs) * 1e6;
      await delay(msUntil(firstNs));
      const lock = peer.locker(lockName(job, caller), caller);
      return await turnsOf(lock, job, atNs, untilNs, controller.signal);
    });
    return (await Promise.all(callers)).flat();
  } finally {
    clearTimeout(end);
  }
}

/** What the caller with this number locks. */
export function lockName({ name, isShared }: Job, caller: number): string {
  return isShared ? name : `${name}/${caller}`;
}

async function turnsOf(
  lock: Locker,
  { holdMs }: Job,
  atNs: number,
  untilNs: number,
  signal: AbortSignal,
): Promise<number[]> {
  const now = (): number => Math.round(performance.now() * 1e6 + originNs - atNs);
  const turns: number[] = [];
  while (now() < untilNs - atNs) {
    const asked = now();
    const taken = await lock.take(signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (taken === undefined) return turns;
    const started = now();
    if (holdMs > 0) await delay(holdMs);
    const releasing = now();
    await taken.giveBack();
    turns.push(asked, started, releasing, now(), taken.token);
  }
  return turns;
}

function msUntil(ns: number): number {
  return Math.max(0, (ns - originNs) / 1e6 - performance.now());
}
