import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { HeldLock } from "#dist/index.js";
import { fixture } from "../support/etcdlocker.ts";
import { within } from "../support/eventually.ts";
import { closedGate } from "../support/gate.ts";
import { listLeases } from "../support/leftovers.ts";
import { etcdOfFile } from "../support/lock-setting.ts";
import { startProgram } from "../support/programs.ts";
import { readKeys } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** Ten times as long as it takes on two cores, while nothing else runs. */
const limitMs = 90_000;

/** What `work` makes, with a note of how long it took. */
async function timed<T>(t: TestContext, what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  t.diagnostic(`${what}: ${Math.round(performance.now() - startedAt)} ms`);
  return result;
}

function isAscending(numbers: readonly bigint[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0n));
}

it("a thousand waiters of one process in one line are all served, in order, one at a time", async (t) => {
  const setting = setUp(t);
  const holder = await setting.heldElsewhere();
  const manager = setting.manager({ ttl: 20, connectTimeout: limitMs });
  const count = 1_000;
  let inside = 0;
  let entered = 0;
  const served: HeldLock[] = [];
  const allEntered = closedGate();
  const onWaiting = (): void => {
    entered += 1;
    if (entered === count) allEntered.open();
  };
  const turns = Array.from({ length: count }, () =>
    manager.withLock(setting.key, { onWaiting }, async (lock) => {
      inside += 1;
      assert.equal(inside, 1);
      await Promise.resolve();
      served.push(lock);
      inside -= 1;
    }),
  );
  await timed(t, "all stand in line", () => within(limitMs, "all stand in line", allEntered.opened));
  await holder.release();
  await timed(t, "all are served", () => within(limitMs, "all are served", Promise.all(turns)));
  assert.ok(isAscending(served.map(({ createRevision }) => createRevision)));
  assert.ok(isAscending(served.map(({ fencingToken }) => fencingToken)));
  assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
});

it("a thousand waiters of ten processes in one line are all served, in order", async (t) => {
  const setting = setUp(t);
  const holder = await setting.heldElsewhere();
  const [processes, each] = [10, 100];
  const words = [fixture("wait-in-line"), setting.cluster.endpoints.join(), setting.key, String(each)];
  const programs = Array.from({ length: processes }, () => startProgram(process.execPath, words));
  await timed(t, "all stand in line", () => Promise.all(programs.map((program) => program.line(/^entered/, limitMs))));
  await holder.release();
  await timed(t, "all are served", () => Promise.all(programs.map((program) => program.end(limitMs))));
  const served = programs.flatMap(({ stdout }) =>
    [...stdout.matchAll(/^(\d+) (\d+)$/gm)].map(
      ([, token = "", place = ""]) => [BigInt(token), BigInt(place)] as const,
    ),
  );
  assert.equal(served.length, processes * each);
  served.sort(([a], [b]) => Number(a - b));
  // Whoever entered together, in one revision, did so in different lines only.
  assert.ok(isAscending(served.map(([, place]) => place)));
  assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
});

it("ten thousand locks of one process are held on one session, renewed, and given back", async (t) => {
  const setting = setUp(t);
  const manager = setting.manager({ ttl: 60, connectTimeout: limitMs });
  const count = 10_000;
  const before = process.memoryUsage().heapUsed;
  const locks = await timed(t, "all are held", () =>
    Promise.all(Array.from({ length: count }, (_, index) => manager.acquire(`${setting.key}${index}`))),
  );
  assert.ok(locks.every(({ held }) => held));
  assert.equal(new Set(locks.map(({ leaseId }) => leaseId)).size, 1);
  assert.equal((await listLeases(setting.cluster)).length, 2);
  const memory = process.memoryUsage();
  t.diagnostic(
    `heap: ${Math.round((memory.heapUsed - before) / 1_024 / count)} KiB a lock; rss ${memory.rss >> 20} MiB`,
  );
  await timed(t, "all are renewed", async () => await locks[0]?.renew());
  assert.ok(locks.every(({ held }) => held));
  const released = await timed(t, "all are given back", () => Promise.all(locks.map((lock) => lock.release())));
  assert.ok(released.every((wasHeld) => wasHeld));
  assert.deepEqual(await readKeys(setting.cluster, setting.key), []);
});
