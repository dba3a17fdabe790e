import assert from "node:assert/strict";
import { type Hold, hold, itConforms, query, type WebLocksApi, type WebLocksUnderTest } from "./api.ts";

/** What stealing does to those who hold and those who wait. */
export function testStealing(subject: WebLocksUnderTest): void {
  itConforms(subject, "steals nothing when nobody holds", async ({ locks, name }) => {
    assert.equal(await locks.request(name, { steal: true }, (lock) => lock?.mode), "exclusive");
  });

  itConforms(subject, "tells the holder by an AbortError, and grants the lock to the thief", async (setting) => {
    const { locks, others, name } = setting;
    const holder = heeding(locks, name);
    await holder.granted;
    const thief = hold(others, name, { steal: true });
    await assert.rejects(holder.done, (error) => {
      assert.ok(error instanceof DOMException);
      assert.equal(error.name, "AbortError");
      return true;
    });
    assert.equal((await thief.granted)?.name, name);
    const { held, pending } = await query(others, name);
    assert.deepEqual([held.length, pending.length], [1, 0]);
    thief.end();
    assert.equal(await thief.done, "done");
  });

  itConforms(subject, "takes shared locks from all who hold them", async ({ locks, others, name }) => {
    const readers = [locks, others, locks].map((client) => heeding(client, name, "shared"));
    await Promise.all(readers.map(({ granted }) => granted));
    const thief = hold(locks, name, { steal: true });
    for (const reader of readers) await assert.rejects(reader.done, { name: "AbortError" });
    await thief.granted;
    thief.end();
    await thief.done;
  });

  itConforms(subject, "lets a thief be robbed in turn, also by itself", async ({ locks, name }) => {
    const thieves: Hold[] = [];
    for (let count = 0; count < 3; count += 1) {
      thieves.push(heeding(locks, name, "exclusive", true));
      await thieves.at(-1)?.granted;
    }
    for (const thief of thieves.slice(0, 2)) await assert.rejects(thief.done, { name: "AbortError" });
    thieves[2]?.end();
    assert.equal(await thieves[2]?.done, "done");
  });

  itConforms(subject, "keeps the requests of those who wait", async ({ locks, others, name }) => {
    const holder = heeding(locks, name);
    await holder.granted;
    const order: string[] = [];
    const waiter = others.request(name, () => order.push("waiter"));
    await others.query();
    const thief = locks.request(name, { steal: true }, () => order.push("thief"));
    await Promise.all([waiter, thief, assert.rejects(holder.done, { name: "AbortError" })]);
    assert.deepEqual(order, subject.stealJumpsQueue ? ["thief", "waiter"] : ["waiter", "thief"]);
  });
}

/** Holds until it is told to end, or is robbed. */
function heeding(locks: WebLocksApi, name: string, mode: "exclusive" | "shared" = "exclusive", steal = false): Hold {
  const held = hold(locks, name, { mode, steal });
  held.done.catch(() => held.end());
  return held;
}
