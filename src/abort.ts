import { defaultMaxListeners, getMaxListeners, setMaxListeners } from "node:events";
import type { Clock } from "./clock.ts";

type Listener = (reason: unknown) => void;

const manyListeners = 100_000;

/** Who listens to shared signals: adding to a signal itself takes Node.js the longer, the more there are already. */
const listenersOf = new WeakMap<AbortSignal, Set<Listener>>();

/** A controller for something long-lived, whose signal any number of tasks listens to. */
export function sharedAbortController(): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  setMaxListeners(0, signal);
  const listeners = new Set<Listener>();
  listenersOf.set(signal, listeners);
  signal.addEventListener("abort", () => {
    for (const listener of listeners) listener(signal.reason);
  });
  return controller;
}

/** A signal of our own that follows others, and stops following them when disposed. */
export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/**
 * A signal that aborts with the first of `parents` that does. Unlike `AbortSignal.any`, it leaves nothing behind on a
 * long-lived parent once disposed.
 */
export function linkSignals(...parents: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const unlinks: (() => void)[] = [];
  for (const parent of parents) {
    if (parent === undefined) continue;
    unlinks.push(onAbort(parent, (reason) => controller.abort(reason)));
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      for (const unlink of unlinks) unlink();
    },
  };
}

/** Calls `listener` when `signal` aborts, at once if it has. Returns what takes the listener away. */
export function onAbort(signal: AbortSignal, listener: Listener): () => void {
  if (signal.aborted) {
    listener(signal.reason);
    return () => {};
  }
  const listeners = listenersOf.get(signal);
  const call = (): void => listener(signal.reason);
  if (listeners !== undefined) {
    listeners.add(call);
    return () => listeners.delete(call);
  }
  // One signal for many locks is no leak.
  if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(manyListeners, signal);
  signal.addEventListener("abort", call, { once: true });
  return () => signal.removeEventListener("abort", call);
}

/** Waits `delayMs`; rejects with the signal's reason if that comes first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const alarm = clock.schedule(delayMs, () => {
      stopListening();
      resolve();
    });
    const stopListening =
      signal === undefined
        ? (): void => {}
        : onAbort(signal, (reason) => {
            alarm.cancel();
            reject(reason);
          });
  });
}

/** What `promise` settles with, or the signal's reason if that comes first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stopListening = onAbort(signal, reject);
    promise.then(resolve, reject).finally(stopListening);
  });
}

/** What `promise` settles with; after `limitMs` an error that `makeLate` makes, or the signal's reason, if that comes first. */
export async function orLate<T>(
  promise: Promise<T>,
  clock: Clock,
  limitMs: number,
  makeLate: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  using limit = linkSignals(signal);
  const alarm = clock.schedule(limitMs, () => limit.abort(makeLate()));
  try {
    return await orAborted(promise, limit.signal);
  } finally {
    alarm.cancel();
  }
}
