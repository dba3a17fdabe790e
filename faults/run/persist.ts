import { setTimeout as delay } from "node:timers/promises";
import { nowMs } from "../history/clock.ts";

const limitMs = 90_000;
const pauseMs = 200;

/** Tries until it succeeds: while other faults last, healing may fail. Rejects, after 90 s, as the last try did. */
export async function persist(heal: () => Promise<void>): Promise<void> {
  const givesUpAt = nowMs() + limitMs;
  for (;;) {
    try {
      await heal();
      return;
    } catch (error) {
      if (nowMs() > givesUpAt) throw error;
      await delay(pauseMs);
    }
  }
}
