import assert from "node:assert/strict";
import { Lock } from "#dist/index.js";
import type { Place } from "./line-model.ts";
import { removeKey } from "./stranger.ts";
import { classicTurn, type Taken, type Turn, takeWith } from "./turn.ts";
import { ttlSeconds, type World } from "./world.ts";

/** Something that can be done to the lines. */
export interface Operation {
  readonly name: string;
  readonly weight: number;
  /** Its outcome can be told also when others happen at the same time. */
  readonly isConcurrent: boolean;
  /**
   * Does it, to whatever it happens to concern, and tells the model. Resolves with what that was when its own outcome is
   * known; with `undefined` when there is nothing to do it to. What becomes of others is for the model to say.
   */
  readonly carryOut: (world: World, isAlone: boolean) => Promise<unknown>;
}

const limits = [1, 1, 1, 1, 2, 3, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

export const operations: readonly Operation[] = [
  { name: "acquire", weight: 20, isConcurrent: true, carryOut: acquire },
  { name: "acquire several", weight: 5, isConcurrent: true, carryOut: acquireSeveral },
  { name: "lock of the class Lock", weight: 4, isConcurrent: true, carryOut: takeLock },
  { name: "stand for election", weight: 2, isConcurrent: true, carryOut: elect },
  { name: "try", weight: 8, isConcurrent: true, carryOut: tryToAcquire },
  { name: "acquire within a time", weight: 4, isConcurrent: true, carryOut: acquireInTime },
  { name: "give up", weight: 8, isConcurrent: true, carryOut: giveUp },
  { name: "release", weight: 34, isConcurrent: true, carryOut: release },
  { name: "release one of several", weight: 3, isConcurrent: true, carryOut: releaseOne },
  { name: "change metadata", weight: 5, isConcurrent: true, carryOut: changeMetadata },
  { name: "change the TTL", weight: 4, isConcurrent: true, carryOut: changeTtl },
  { name: "stranger enters", weight: 4, isConcurrent: true, carryOut: strangerEnters },
  { name: "stranger leaves", weight: 6, isConcurrent: true, carryOut: strangerLeaves },
  { name: "delete an entry", weight: 1.5, isConcurrent: false, carryOut: deleteEntry },
  { name: "break a lock", weight: 1.5, isConcurrent: false, carryOut: breakLock },
  { name: "overwrite an entry", weight: 1.5, isConcurrent: false, carryOut: overwriteEntry },
  { name: "revoke a lease", weight: 0.4, isConcurrent: false, carryOut: revokeLease },
  { name: "close a manager", weight: 0.4, isConcurrent: false, carryOut: closeManager },
];

/** A lock that is free is taken within such a time, whatever its limit, in milliseconds. */
const promptMs = 700;
/** Nobody comes any more when so many are there. */
const mostPlaces = 25;

interface Entering {
  readonly turn: Turn;
  /** Nobody stood in its way when it came. */
  readonly isFree: boolean;
}

function enterWith(
  world: World,
  names: readonly string[],
  how: "wait" | "try" | "elect",
  timeout?: number,
): Entering | undefined {
  const { random, model } = world;
  if (model.places.length >= mostPlaces) return undefined;
  const manager = random.oneOf(world.managers);
  const limit = how === "elect" ? 1 : random.oneOf(limits);
  const isFree = names.every((name) => model.isFree(name, limit));
  const label = world.nextLabel();
  const kind = limit === Number.POSITIVE_INFINITY ? ({ mode: "shared" } as const) : { permits: limit };
  const options = {
    id: label,
    connectTimeout: 60_000,
    ...(how !== "elect" && kind),
    ...(timeout !== undefined && { timeout }),
  };
  const take = (signal: AbortSignal): Promise<Taken | null> => takeWith(manager, names, { ...options, signal }, how);
  return { turn: world.enter({ label, names, limit, isSilent: how === "elect", take }, manager), isFree };
}

async function acquire(world: World): Promise<unknown> {
  return enterWith(world, [world.random.oneOf(world.names)], "wait")?.turn.label;
}

async function acquireSeveral(world: World): Promise<unknown> {
  return enterWith(world, someNames(world, world.random.chance(0.7) ? 2 : 3), "wait")?.turn.label;
}

async function elect(world: World): Promise<unknown> {
  return enterWith(world, [world.random.oneOf(world.names)], "elect")?.turn.label;
}

async function takeLock(world: World): Promise<unknown> {
  if (world.model.places.length >= mostPlaces) return undefined;
  const [name, label] = [world.random.oneOf(world.names), world.nextLabel()];
  const lock = new Lock([...world.endpoints], name, label, ttlSeconds);
  // That it is lost shows in `held`.
  lock.on("error", () => undefined);
  return world.enter({ label, names: [name], limit: 1, ...classicTurn(lock) }, undefined).label;
}

async function tryToAcquire(world: World, isAlone: boolean): Promise<unknown> {
  return await outcomeOf(world, enterWith(world, someNames(world, world.random.chance(0.8) ? 1 : 2), "try"), isAlone);
}

async function acquireInTime(world: World, isAlone: boolean): Promise<unknown> {
  const entering = enterWith(world, someNames(world, 1), "wait", world.random.below(40));
  return await outcomeOf(world, entering, isAlone);
}

/** Alone, it gets exactly what is free. */
async function outcomeOf(world: World, entering: Entering | undefined, isAlone: boolean): Promise<unknown> {
  if (entering === undefined) return undefined;
  const { turn, isFree } = entering;
  const startedAt = performance.now();
  const isServed = await turn.wait();
  // Who has a limit may have waited for etcd, when that is busy.
  const isPrompt = performance.now() - startedAt < promptMs;
  if (isAlone && (isServed || isPrompt)) {
    assert.equal(
      isServed,
      isFree,
      `${turn.label} is${isServed ? "" : " not"} served, but it was${isFree ? "" : " not"} free`,
    );
  }
  if (!isServed) world.leave(turn);
  return `${turn.label}, ${isServed ? "served" : "in vain"}`;
}

async function giveUp(world: World): Promise<unknown> {
  const turn = world.pickTurn((each) => each.taken === undefined);
  if (turn === undefined) return undefined;
  const isServed = await turn.giveUp();
  if (!isServed) world.leave(turn);
  return `${turn.label}, ${isServed ? "too late" : "in time"}`;
}

async function release(world: World): Promise<unknown> {
  const turn = world.pickTurn((each) => each.taken !== undefined);
  if (turn?.taken === undefined) return undefined;
  const isLost = turn.hasLost || world.model.placesOf(turn).some(({ state }) => state === "orphan");
  const released = turn.taken.release();
  world.leave(turn);
  assert.equal(await released, !isLost, `release of ${turn.label}`);
  return turn.label;
}

async function releaseOne(world: World): Promise<unknown> {
  const turn = world.pickTurn((each) => each.taken !== undefined && world.model.placesOf(each).length > 1);
  if (turn === undefined) return undefined;
  const { name, state } = world.random.oneOf(world.model.placesOf(turn));
  const released = turn.lockOf(name).release();
  world.model.leave(turn, name);
  turn.hasLost ||= state === "orphan";
  assert.equal(await released, state !== "orphan", `release of ${name} by ${turn.label}`);
  return `${turn.label}, ${name}`;
}

async function changeMetadata(world: World): Promise<unknown> {
  const held = world.pickHeld(({ note }) => note !== undefined);
  if (held === undefined) return undefined;
  const note = world.random.below(1_000);
  world.model.note(held.place, note);
  await held.lock.note?.(note);
  return `${show(held.place)}: ${note}`;
}

async function changeTtl(world: World): Promise<unknown> {
  const held = world.pickHeld(({ moveTo }) => moveTo !== undefined);
  if (held === undefined) return undefined;
  const ttl = world.random.oneOf([ttlSeconds, 90, 150]);
  await held.lock.moveTo?.(ttl);
  return `${show(held.place)}: ${ttl}`;
}

async function strangerEnters(world: World): Promise<unknown> {
  if (world.model.places.length >= mostPlaces) return undefined;
  const name = world.random.oneOf(world.names);
  const stranger = world.makeStranger((label) => `${name}/${label}`);
  world.model.enter(stranger, [name]);
  // Some say what only ours may: it does not let anybody in beside them.
  await stranger.enter(world.random.oneOf(["", "", '{"limit":5,"ttl":10}']), world.strangersLease);
  return stranger.label;
}

async function strangerLeaves(world: World): Promise<unknown> {
  const stranger = world.pickStranger();
  if (stranger === undefined) return undefined;
  world.dismiss(stranger);
  await stranger.leave();
  return stranger.label;
}

async function deleteEntry(world: World): Promise<unknown> {
  const place = pickEntry(world);
  if (place === undefined) return undefined;
  await removeKey(world.client, world.entryOf(place).key);
  world.model.loseEntries([place]);
  return show(place);
}

async function overwriteEntry(world: World): Promise<unknown> {
  const place = pickEntry(world);
  if (place === undefined) return undefined;
  const stranger = world.makeStranger(() => world.entryOf(place).key);
  await stranger.overwrite();
  world.model.overwrite(place, stranger);
  return `${show(place)} by ${stranger.label}`;
}

async function breakLock(world: World): Promise<unknown> {
  const held = world.pickHeld(() => true);
  if (held === undefined) return undefined;
  const { place, lock } = held;
  const manager = world.random.oneOf(world.managers);
  assert.equal(await manager.breakLock(place.name, { fencingToken: lock.token }), true, `breaking ${show(place)}`);
  world.model.loseEntries([place]);
  return show(place);
}

/** Not that of the class `Lock`, which has one for all lines of this etcd. */
async function revokeLease(world: World): Promise<unknown> {
  const places = world.ourEntries.filter(({ contender }) => world.managerOf(contender) !== undefined);
  if (places.length === 0) return undefined;
  const { leaseId } = world.entryOf(world.random.oneOf(places));
  await world.client.revokeLease(leaseId, { timeoutMs: 20_000 });
  const lost = places.filter((place) => world.entryOf(place).leaseId === leaseId);
  world.model.loseEntries(lost);
  return lost.map(show).join(", ");
}

async function closeManager(world: World): Promise<unknown> {
  const number = world.random.below(world.managers.length);
  await world.closeManager(number);
  return number;
}

/** Who is next, and who waits alone, look after their own entries all the time; others every ten seconds. */
function pickEntry(world: World): Place | undefined {
  const { random, ourEntries } = world;
  const soon = ourEntries.filter(({ state, contender }) => state === "inside" || contender.limit > 1);
  const places = random.chance(0.1) ? ourEntries : soon;
  return places.length === 0 ? undefined : random.oneOf(places);
}

function someNames({ random, names }: World, count: number): readonly string[] {
  return random.shuffled(names).slice(0, count);
}

function show({ contender, name }: Place): string {
  return `${contender.label} in ${name}`;
}
