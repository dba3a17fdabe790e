import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { connectDirectly } from "#dist/etcd/connect-directly.js";
import type { RequestOp } from "#dist/etcd/gen/etcd.js";
import { etcdOfFile } from "../support/lock-setting.ts";
import { plainTxn } from "../support/plain-transactions.ts";

const setUp = etcdOfFile();

/** What somebody else may have written: nothing, anything, nearly our own, and more than anybody would read. */
const values = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((json) => Buffer.from(json)),
  fc
    .record({
      id: fc.anything(),
      limit: fc.anything(),
      ttl: fc.anything(),
      place: fc.string(),
      metadata: fc.anything(),
    })
    .map((value) => Buffer.from(stringify(value))),
  fc.constantFrom(
    Buffer.alloc(300_000, "["),
    Buffer.from(`${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`),
    Buffer.from('{"__proto__":{"limit":"unlimited"},"id":"x","ttl":5}'),
    Buffer.from('{"id":"\\u001b[2J\\u202e","ttl":1e308,"limit":-1,"since":1e300,"until":-0}'),
    Buffer.from('{"id":"\u001b]0;owned\u0007","place":"99999999999999999999"}'),
  ),
);

for (const part of ["/somebody", "!7000000000000001"]) {
  test(`a lock works, and its line can be seen, whatever stands at <name>${part}`, async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const connection = connectDirectly(setting.member.endpoint);
    t.after(() => connection.discard());
    const key = Buffer.from(`${setting.key}${part}`);
    const rangeEnd = Buffer.alloc(0);
    const carryOut = (request: NonNullable<RequestOp["request"]>) =>
      connection.unary(
        plainTxn,
        { compare: [], success: [{ request }], failure: [] },
        { timeoutMs: 20_000, signal: undefined },
      );
    await fc.assert(
      fc.asyncProperty(values, async (bytes) => {
        await carryOut({ $case: "requestPut", value: { key, value: Buffer.from(bytes), lease: 0n } });
        const { entries } = await manager.inspect(setting.key);
        assert.equal(entries.length, 1);
        assert.doesNotThrow(() =>
          JSON.stringify(entries, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
        );
        await manager.list(setting.key);
        await manager.leader(setting.key);
        // Whatever it says, it is there: nobody may think the lock free.
        assert.equal(await manager.tryAcquire(setting.key), null);
        await carryOut({ $case: "requestDeleteRange", value: { key, rangeEnd } });
        const lock = await manager.acquire(setting.key);
        assert.equal(lock.held, true);
        await lock.release();
      }),
      { numRuns: 40, interruptAfterTimeLimit: 60_000 },
    );
  });
}

/** JSON of what can be said in it. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? Number(part) : part)) ?? "";
  } catch {
    return "{}";
  }
}
