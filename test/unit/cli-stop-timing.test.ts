import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { defaultKillAfterMs, killReserveMs, stopAfterMs, stopMarginMs } from "#dist/cli/stop-timing.js";
import { holdTimeMs } from "#dist/session/deadline.js";

const ttl = fc.integer({ min: 1, max: 1_000_000 });

describe("the time to stop a command", () => {
  it("is 3.9 s after the last renewal with a TTL of 5, and 47.8 s with one of 60", () => {
    assert.equal(stopAfterMs(5, defaultKillAfterMs(5)), 3_900);
    assert.equal(stopAfterMs(60, defaultKillAfterMs(60)), 47_800);
  });

  it("leaves as long as the command may take, and a reserve, until the library's deadline", () => {
    fc.assert(
      fc.property(ttl, fc.nat({ max: 100_000 }), (seconds, killAfterMs) => {
        const untilDeadlineMs = holdTimeMs(seconds) - stopAfterMs(seconds, killAfterMs);
        assert.ok(Math.abs(untilDeadlineMs - stopMarginMs(seconds, killAfterMs)) < 1e-6);
        assert.ok(untilDeadlineMs >= killAfterMs + 100);
      }),
    );
  });

  it("comes after the renewal that is due, unless other durations are asked for", () => {
    fc.assert(
      fc.property(ttl, (seconds) => {
        assert.ok(stopAfterMs(seconds, defaultKillAfterMs(seconds)) > seconds * 500 + 100);
        assert.ok(defaultKillAfterMs(seconds) <= 5_000 && killReserveMs(seconds) >= 100);
      }),
    );
  });
});
