import { setTimeout as delay } from "node:timers/promises";
import { type HeldLock, LockManager } from "#dist/index.js";
import { startEtcd } from "#dist/testing/index.js";
import { eventually } from "../support/eventually.ts";
import { assertNothingLeft } from "../support/leftovers.ts";

export interface LoadOptions {
  /** How many locks are held. */
  readonly locks: number;
  /** How many wait for one more. */
  readonly waiters: number;
}

export interface LoadOutcome {
  /** Of the locks that were held all the time. */
  readonly lost: number;
  readonly served: number;
  readonly servedOutOfTurn: number;
  /** How long it took to serve all waiters, one after the other, in milliseconds. */
  readonly servingMs: number;
}

const ttl = 60;
const connectTimeout = 120_000;
const managersOfWaiters = 4;
const downMs = 1_000;
const name = "/load/line";

/** Holds and waits while every member is restarted, one after the other; then everybody in line is served. */
export async function runLoad({ locks, waiters }: LoadOptions): Promise<LoadOutcome> {
  await using cluster = await startEtcd({ members: 3 });
  const options = { endpoints: cluster.endpoints, ttl, connectTimeout };
  const holder = new LockManager(options);
  const others = Array.from({ length: managersOfWaiters }, () => new LockManager(options));
  let lost = 0;
  holder.on("lost", () => {
    lost += 1;
  });
  const held = await Promise.all(Array.from({ length: locks }, (_, index) => holder.acquire(`/load/held/${index}`)));
  const first = await holder.acquire(name);
  const tokens: { readonly place: bigint; readonly token: bigint }[] = [];
  const turns = Array.from({ length: waiters }, async (_, index) => {
    const lock = await (others[index % managersOfWaiters] ?? holder).acquire(name);
    tokens.push({ place: lock.createRevision, token: lock.fencingToken });
    await lock.release();
  });
  const limitMs = 60_000 + waiters * 100;
  await eventually(
    "all stand in line",
    () => holder.inspect(name),
    ({ entries }) => entries.length > waiters,
    limitMs,
  );
  for (const member of cluster.members) {
    await member.kill();
    await delay(downMs);
    await member.start();
    await cluster.leader();
  }
  for (const lock of held) lock.assertHeld();
  const startedAt = performance.now();
  await first.release();
  await Promise.all(turns);
  const servingMs = Math.round(performance.now() - startedAt);
  await releaseAll(held);
  for (const manager of [holder, ...others]) await manager.close();
  await assertNothingLeft(cluster, "", 20_000);
  const servedOutOfTurn = tokens.filter(({ place }, index) => place < (tokens[index - 1]?.place ?? 0n)).length;
  return { lost, served: tokens.length, servedOutOfTurn, servingMs };
}

async function releaseAll(locks: readonly HeldLock[]): Promise<void> {
  await Promise.all(locks.map((lock) => lock.release()));
}
