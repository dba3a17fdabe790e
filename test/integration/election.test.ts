import assert from "node:assert/strict";
import { test } from "node:test";
import type { Leader } from "#dist/index.js";
import { findEtcd } from "#dist/testing/index.js";
import { within } from "../support/eventually.ts";
import { etcdOfFile, isWaiting } from "../support/lock-setting.ts";
import { startProgram } from "../support/programs.ts";

const setUp = etcdOfFile();

/** The next value that `leaders` gives. */
async function next(leaders: AsyncIterator<Leader | null>): Promise<Leader | null> {
  const { value } = await within(5_000, "the next leader", leaders.next());
  return value ?? null;
}

test("one candidate leads, and the next when it resigns, with a larger fencing token", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const [first, second] = [setting.manager(), setting.manager()];
  const leading = await first.elect(key, { value: "one" });
  assert.equal(leading.held, true);
  const waiting = isWaiting(second);
  const election = second.elect(key, { value: "two" });
  await waiting;
  assert.equal((await second.leader(key))?.value, "one");
  assert.equal(await leading.resign(), true);
  const successor = await election;
  assert.ok(successor.fencingToken > leading.fencingToken);
  assert.equal((await first.leader(key))?.value, "two");
  await successor.resign();
  assert.equal(await first.leader(key), null);
});

test("observers see each leader and each proclamation, and no candidate that does not lead", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const [first, second, observer] = [setting.manager(), setting.manager(), setting.manager()];
  const leaders = observer.observe(key);
  assert.equal(await next(leaders), null);
  const leading = await first.elect(key, { value: "one" });
  assert.equal((await next(leaders))?.value, "one");
  const waiting = isWaiting(second);
  const election = second.elect(key, { value: "two" });
  await waiting;
  await leading.proclaim("one, changed");
  assert.equal((await next(leaders))?.value, "one, changed");
  assert.equal(leading.held, true);
  await leading.resign();
  let seen = await next(leaders);
  while (seen === null) seen = await next(leaders);
  assert.equal(seen.value, "two");
  await (await election).resign();
  await leaders.return(undefined);
});

test("who proclaims half of a character, which UTF-8 cannot say, goes on leading", async (t) => {
  const setting = setUp(t);
  const leading = await setting.manager().elect(setting.key, { value: "one" });
  for (let step = 0; step < 100; step += 1) await leading.proclaim(`\ud83d${step}`);
  assert.equal(leading.held, true);
  assert.equal((await setting.manager().leader(setting.key))?.value, "\ufffd99");
  await leading.resign();
});

test("a value that looks like a shared lock's does not let others in", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const [first, second] = [setting.manager(), setting.manager()];
  const value = JSON.stringify({ limit: "unlimited", name: "trick" });
  await using leading = await first.elect(key, { value });
  assert.equal((await second.leader(key))?.value, value);
  assert.equal(await second.tryAcquire(key, { mode: "shared" }), null);
  leading.assertHeld();
});

test("candidates of etcdctl and ours take part in one election", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const ours = setting.manager();
  const leading = await ours.elect(key, { value: "ours" });
  const etcdctl = findEtcd().etcdctl;
  assert.ok(etcdctl);
  const words = [`--endpoints=${setting.cluster.endpoints}`, "elect", key, "theirs"];
  await using foreign = startProgram(etcdctl, words);
  await setting.lineLength(2);
  assert.equal((await ours.leader(key))?.value, "ours");
  await leading.resign();
  await foreign.line(/theirs/);
  assert.equal((await ours.leader(key))?.value, "theirs");
  const lease = (await ours.leader(key))?.leaseId.toString(16) ?? "";
  const waiting = isWaiting(ours);
  const again = ours.elect(key, { value: "ours again" });
  await waiting;
  foreign.signal("SIGINT");
  await foreign.end();
  const successor = await again;
  assert.equal(successor.held, true);
  await successor.resign();
  // etcdctl leaves its lease behind.
  await setting.cluster.etcdctl("lease", "revoke", lease);
});

test("a leader whose entry is deleted is told, and its successor leads when it has resigned", async (t) => {
  const setting = setUp(t);
  const { key } = setting;
  const [first, second] = [setting.manager(), setting.manager()];
  const leading = await first.elect(key, { value: "one" });
  const waiting = isWaiting(second);
  const election = second.elect(key, { value: "two" });
  await waiting;
  const told = new Promise((resolve) => leading.signal.addEventListener("abort", resolve));
  const leader = await second.leader(key);
  assert.ok(leader);
  await setting.cluster.etcdctl("del", leader.key);
  await within(3_000, "the loss is told", told);
  assert.equal(await second.leader(key), null);
  assert.throws(() => leading.assertHeld(), { name: "LockLostError" });
  assert.equal(await leading.resign(), false);
  assert.equal((await within(3_000, "the successor leads", election)).held, true);
  await (await election).resign();
});
