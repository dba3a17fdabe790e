import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** Computes for `ms`: nothing else of this process runs. */
export function block(ms: number): void {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt);
}

const readWallClock = Date.now;
let shiftMs = 0;

/** Has the wall clock of this process, and of nobody else, show another time from now on. */
export function shiftWallClock(byMs: number): void {
  shiftMs += byMs;
  Date.now = () => readWallClock() + shiftMs;
}

/** Opens files until there are no more descriptors, and closes them after `ms`. */
export async function useUpDescriptors(ms: number): Promise<void> {
  const files: number[] = [];
  try {
    for (;;) files.push(openSync("/dev/null", "r"));
  } catch {
    await delay(ms);
  }
  for (const file of files) closeSync(file);
}
