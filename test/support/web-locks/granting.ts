import assert from "node:assert/strict";
import { hold, itConforms, query, type WebLockOptions, type WebLocksUnderTest } from "./api.ts";

/** When a lock is granted, and when it ends. */
export function testGranting(subject: WebLocksUnderTest): void {
  itConforms(subject, "passes a lock with name and mode, exclusive by default", async ({ locks, name }) => {
    const asked: [WebLockOptions, string][] = [
      [{}, "exclusive"],
      [{ mode: "exclusive" }, "exclusive"],
      [{ mode: "shared" }, "shared"],
    ];
    for (const [options, mode] of asked) {
      const seen = await locks.request(name, options, (lock) => [lock?.name, lock?.mode]);
      assert.deepEqual(seen, [name, mode]);
    }
    assert.equal(await locks.request(name, (lock) => lock?.mode), "exclusive");
  });

  itConforms(subject, "resolves with what the callback returns, at once or later", async ({ locks, name }) => {
    assert.equal(await locks.request(name, () => 1), 1);
    assert.equal(await locks.request(name, async () => 2), 2);
    // biome-ignore lint/suspicious/noThenProperty: anything that can be awaited will do
    assert.equal(await locks.request(name, () => ({ then: (resolve: (value: number) => void) => resolve(3) })), 3);
    assert.equal(await locks.request(name, () => undefined), undefined);
  });

  itConforms(subject, "rejects with what the callback throws, at once or later", async ({ locks, name }) => {
    for (const [index, callback] of [fail, async () => fail(), () => Promise.reject(failure)].entries()) {
      await assert.rejects(locks.request(`${name}${index}`, callback), (thrown) => thrown === failure);
    }
  });

  itConforms(subject, "holds the lock until the callback is done, not only until it returns", async (setting) => {
    const { locks, others, name } = setting;
    const first = hold(locks, name);
    await first.granted;
    const second = hold(others, name);
    assert.equal((await query(locks, name)).held.length, 1);
    assert.equal(await Promise.race([second.granted, Promise.resolve("waits")]), "waits");
    first.end();
    assert.equal(await first.done, "done");
    assert.equal((await second.granted)?.name, name);
    second.end();
    await second.done;
  });

  itConforms(subject, "has released the lock when its promise settles", async ({ locks, others, name }) => {
    for (const client of [locks, others, locks]) {
      assert.equal(await client.request(name, { ifAvailable: true }, (lock) => lock?.name), name);
    }
  });

  itConforms(subject, "has released the lock when its promise rejects", async ({ locks, others, name }) => {
    await assert.rejects(locks.request(name, fail));
    assert.equal(await others.request(name, { ifAvailable: true }, (lock) => lock?.name), name);
  });

  itConforms(subject, "grants in the order of the requests", async ({ locks, name }) => {
    const order: number[] = [];
    const requests = Array.from({ length: 12 }, (_, number) =>
      locks.request(name, async () => {
        order.push(number);
        await Promise.resolve();
        assert.equal(order.at(-1), number);
      }),
    );
    await Promise.all(requests);
    assert.deepEqual(order, [...order.keys()]);
  });

  itConforms(subject, "grants shared locks together, and an exclusive one alone", async (setting) => {
    const { locks, others, name } = setting;
    const readers = [locks, others, locks].map((client) => hold(client, name, { mode: "shared" }));
    await Promise.all(readers.map(({ granted }) => granted));
    const writer = hold(others, name);
    assert.equal((await query(others, name)).pending.length, 1);
    for (const reader of readers.slice(1)) reader.end();
    await Promise.all(readers.slice(1).map(({ done }) => done));
    assert.equal((await query(others, name)).pending.length, 1);
    readers[0]?.end();
    assert.equal((await writer.granted)?.mode, "exclusive");
    writer.end();
    await writer.done;
  });

  itConforms(subject, "does not let readers pass a writer who waits", async ({ locks, others, name }) => {
    const reader = hold(locks, name, { mode: "shared" });
    await reader.granted;
    const writer = hold(locks, name);
    await locks.query();
    assert.equal(await others.request(name, { mode: "shared", ifAvailable: true }, (lock) => lock), null);
    const late = hold(others, name, { mode: "shared" });
    assert.deepEqual(
      (await query(others, name)).pending.map(({ mode }) => mode),
      ["exclusive", "shared"],
    );
    reader.end();
    await writer.granted;
    assert.equal((await query(locks, name)).pending.length, 1);
    writer.end();
    await late.granted;
    late.end();
    await late.done;
  });

  itConforms(subject, "calls back with null instead of waiting when asked to", async ({ locks, others, name }) => {
    const holder = hold(locks, name);
    await holder.granted;
    for (const mode of ["exclusive", "shared"] as const) {
      assert.equal(await others.request(name, { mode, ifAvailable: true }, (lock) => [lock]).then(String), "");
    }
    await assert.rejects(locks.request(name, { ifAvailable: true }, fail), (thrown) => thrown === failure);
    holder.end();
    await holder.done;
    const modes = await locks.request(name, { mode: "shared" }, () =>
      others.request(name, { mode: "shared", ifAvailable: true }, (lock) => lock?.mode),
    );
    assert.equal(modes, "shared");
  });

  itConforms(subject, "grants other names meanwhile, also from inside a callback", async ({ locks, name }) => {
    const inner = await locks.request(name, () =>
      locks.request(`${name}2`, () => locks.request(name, { ifAvailable: true }, (lock) => lock)),
    );
    assert.equal(inner, null);
  });
}

const failure = new Error("went wrong");

function fail(): never {
  throw failure;
}
