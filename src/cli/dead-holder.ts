import type { LineEntry } from "../index.ts";
import type { Place } from "./place.ts";
import { deadlineMarginMs } from "./stop-timing.ts";

/** What is assumed of somebody whose record does not say its TTL, in seconds. */
const assumedTtl = 60;

/** Time to enter the line, and to be admitted, in milliseconds. */
const slackMs = 2_000;

/** The longest wait that there is, in milliseconds. */
const longestWaitMs = 2_147_483_647;

/** Holders who died or were cut off: until they have been outlived, they may still be at work. */
export type DeadHolders = readonly [LineEntry, ...(readonly LineEntry[])];

/** The dead, when nobody else is ahead at any of `places`. */
export function deadHolders(places: readonly Place[] | undefined): DeadHolders | undefined {
  const [first, ...others] = places?.flatMap(({ ahead }) => ahead) ?? [];
  return first !== undefined && [first, ...others].every(isDead) ? [first, ...others] : undefined;
}

/** The first place at which somebody is ahead who may do the job. */
export function firstAlive(places: readonly Place[] | undefined): Place | undefined {
  const alive = places?.map(({ name, ahead }) => ({ name, ahead: ahead.filter((entry) => !isDead(entry)) }));
  return alive?.find(({ ahead }) => ahead.length > 0);
}

/** How long whoever enters the line now waits for `holders` at most, in milliseconds. */
export function outliveMs(holders: DeadHolders): number {
  const longestTtlMs = Math.max(...holders.map(({ ttl }) => (ttl ?? assumedTtl) * 1_000));
  return Math.min(longestTtlMs + deadlineMarginMs(longestTtlMs) + slackMs, longestWaitMs);
}

function isDead({ state }: LineEntry): boolean {
  return state === "orphan";
}
