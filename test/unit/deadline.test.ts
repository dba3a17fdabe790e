import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  clockMarginMs,
  holdTimeMs,
  orphanWaitMs,
  recordLeaseTtl,
  renewalIntervalMs,
  tryTimeoutMs,
} from "#dist/session/deadline.js";

const ttl = fc.integer({ min: 2, max: 1_000_000 });

test("an owner stops before a waiter goes on, though one clock runs 10 % faster than the other", () => {
  fc.assert(
    fc.property(ttl, fc.double({ min: 1 / 1.1, max: 1.1, noNaN: true }), (seconds, rate) => {
      // The owner's time span, as the waiter's clock measures it; the waiter begins to count no earlier.
      assert.ok(holdTimeMs(seconds) * rate < orphanWaitMs(seconds));
    }),
  );
});

test("an owner stops before its lease can end, though etcd's clock runs 10 % faster", () => {
  fc.assert(fc.property(ttl, (seconds) => assert.ok(holdTimeMs(seconds) * 1.1 < seconds * 1_000)));
});

test("the margin is a tenth of the TTL, and at least 150 ms", () => {
  assert.equal(clockMarginMs(60), 6_000);
  assert.equal(clockMarginMs(1), 150);
});

test("there is time for two more tries of a renewal before the deadline", () => {
  fc.assert(
    fc.property(ttl, fc.double({ min: 1, max: 1e9, noNaN: true }), (seconds, refreshIntervalMs) => {
      const interval = renewalIntervalMs(refreshIntervalMs, seconds);
      assert.ok(interval <= refreshIntervalMs);
      assert.ok(interval + tryTimeoutMs(seconds) < holdTimeMs(seconds));
    }),
  );
});

test("hold records outlive their entries by far", () => {
  assert.equal(recordLeaseTtl(5), 600);
  assert.equal(recordLeaseTtl(120), 1_200);
});
