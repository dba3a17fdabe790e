import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Lock, type LockManager } from "#dist/index.js";
import { eventually } from "../support/eventually.ts";
import { hostileText } from "../support/hostile-text.ts";
import { etcdOfFile } from "../support/lock-setting.ts";

const setUp = etcdOfFile();

/** Names made of what a careless encoding would mix up. */
const name = fc
  .array(
    fc.constantFrom(
      "a",
      "/",
      "//",
      "!",
      "%",
      "%2F",
      "%21",
      "0",
      "\0",
      "\ud83d",
      "\ude00",
      "\ufffd",
      "é",
      "e\u0301",
      ".",
    ),
    {
      maxLength: 5,
    },
  )
  .map((parts) => parts.join(""));
const someNames = fc.uniqueArray(fc.oneof(name, fc.string({ unit: "binary", maxLength: 8 })), {
  minLength: 60,
  maxLength: 60,
});

/** What a call gave, or failed with; anything but an error that says what is wrong is thrown. */
async function tried<Value>(call: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await call();
  } catch (error) {
    const isNamed = error instanceof TypeError || error instanceof RangeError;
    assert.ok(isNamed && /^(key|id|metadata) must be /.test(error.message), `${error}`);
    assert.ok(error.message.length < 300, error.message);
    return undefined;
  }
}

async function assertSeen(manager: LockManager, key: string, id: string, metadata: unknown): Promise<void> {
  const { entries } = await manager.inspect(key);
  assert.deepEqual(
    entries.map((entry) => [entry.state, entry.foreign, entry.id, entry.metadata]),
    [["holding", false, id, metadata]],
  );
}

describe("whatever strings are given", { concurrency: true }, () => {
  it("two different ones are never one lock", async (t) => {
    const setting = setUp(t);
    const [manager, other] = [setting.manager(), setting.manager()];
    const property = fc.asyncProperty(someNames, async (names) => {
      const keys = names.map((each) => setting.key + each);
      const held = await Promise.all(keys.map((key) => manager.tryAcquire(key)));
      assert.deepEqual(
        keys.filter((_, index) => held[index]?.held !== true),
        [],
      );
      const again = await Promise.all(keys.map((key) => other.tryAcquire(key)));
      assert.deepEqual(
        keys.filter((_, index) => again[index] !== null),
        [],
      );
      await Promise.all(held.map((lock) => lock?.release()));
    });
    await fc.assert(property, { numRuns: 12, interruptAfterTimeLimit: 60_000 });
  });

  it("a key, an id and metadata work, and are seen as they were given; or it is said what is wrong with which", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const property = fc.asyncProperty(
      hostileText,
      hostileText,
      fc.object({ maxDepth: 2 }),
      async (text, id, metadata) => {
        const key = setting.key + text;
        const lock = await tried(() => manager.acquire(key, { id, metadata: metadata as never, mode: "shared" }));
        if (lock === undefined) return;
        await assertSeen(manager, key, id, JSON.parse(JSON.stringify(metadata)));
        await lock.release();
      },
    );
    await fc.assert(property, { numRuns: 150, interruptAfterTimeLimit: 60_000 });
  });

  it("the class Lock says at once what is wrong with a key or an id, or works", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const property = fc.asyncProperty(hostileText, hostileText, async (text, id) => {
      const lock = await tried(async () => new Lock(setting.cluster.endpoints, setting.key + text, id, 20));
      if (lock === undefined) return;
      await lock.lock();
      await assertSeen(manager, setting.key + text, id, undefined);
      await lock.unlock();
    });
    await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 60_000 });
  });

  it("what JSON cannot say, or says of something else, is refused as metadata", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const circular: Record<string, unknown> = {};
    circular.itself = circular;
    for (const metadata of [circular, { big: 1n }, { toJSON: () => 5 }, { toJSON: () => undefined }, new Date(), []]) {
      await assert.rejects(manager.acquire(setting.key, { metadata: metadata as never }), {
        name: "TypeError",
        message: /^metadata must be /,
      });
    }
  });

  it("metadata that the caller changes afterwards stays as it was, and spoils no renewal", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const metadata: Record<string, unknown> = { step: 1 };
    const lock = await manager.acquire(setting.key, { metadata: metadata as never, refreshInterval: 100 });
    metadata.step = 2n;
    const { fencingToken } = lock;
    let renewals = 0;
    manager.on("renewed", () => (renewals += 1));
    await eventually(
      "it has been renewed a few times",
      () => renewals,
      (count) => count >= 3,
    );
    assert.deepEqual([lock.held, lock.fencingToken], [true, fencingToken]);
    await assertSeen(manager, setting.key, lock.id, { step: 1 });
  });

  it("an id is seen by others up to its greatest length, and refused beyond it", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    // Of what JSON needs most for, with as much metadata.
    const [id, metadata] = ["\u001b".repeat(4_096), { text: "中".repeat(2_700) }];
    const reader = await manager.acquire(setting.key, { id, metadata, mode: "shared" });
    await assertSeen(manager, setting.key, id, metadata);
    const beside = await setting.manager().tryAcquire(setting.key, { mode: "shared" });
    assert.ok(beside !== null);
    await Promise.all([reader.release(), beside.release()]);
    await assert.rejects(manager.acquire(setting.key, { id: `${id}x` }), /^RangeError: id must be .*4096.*got 4097/);
  });
});
