import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PassedOnSignal } from "#dist/cli/host.js";
import { isTypedSignal, judgeSignal, type ReceivedSignal, type SignalAction } from "#dist/cli/signal-policy.js";

/** What the signals do, one after the other, each at a time in seconds. */
function judgeAll(sharesTerminal: boolean, ...signals: readonly (readonly [PassedOnSignal, number])[]): SignalAction[] {
  const earlier = new Map<PassedOnSignal, ReceivedSignal>();
  return signals.map(([signal, seconds]) => {
    const received = { signal, at: seconds * 1_000, mayBeTyped: sharesTerminal && isTypedSignal(signal) };
    const action = judgeSignal(received, earlier);
    earlier.set(signal, received);
    return action;
  });
}

describe("a signal for etcdlocker", () => {
  it("is passed on to the command", () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
      assert.deepEqual(judgeAll(false, [signal, 0]), ["pass-on"]);
    }
  });

  it("kills when it asks for the end again", () => {
    assert.deepEqual(judgeAll(false, ["SIGTERM", 0], ["SIGTERM", 30]), ["pass-on", "kill"]);
    assert.deepEqual(judgeAll(false, ["SIGINT", 0], ["SIGTERM", 1]), ["pass-on", "kill"]);
    assert.deepEqual(judgeAll(false, ["SIGTERM", 0], ["SIGHUP", 1], ["SIGTERM", 2]), ["pass-on", "pass-on", "kill"]);
  });

  it("does not kill when it is SIGHUP, however often: a daemon reads its settings again", () => {
    assert.deepEqual(judgeAll(false, ["SIGHUP", 0], ["SIGHUP", 1], ["SIGHUP", 90_000]), [
      "pass-on",
      "pass-on",
      "pass-on",
    ]);
    assert.deepEqual(judgeAll(false, ["SIGHUP", 0], ["SIGTERM", 90_000]), ["pass-on", "pass-on"]);
    assert.deepEqual(judgeAll(false, ["SIGHUP", 0], ["SIGHUP", 0.001]), ["pass-on", "ignore"]);
  });

  it("counts once when it comes twice within a moment, as from timeout(1)", () => {
    assert.deepEqual(judgeAll(false, ["SIGTERM", 0], ["SIGTERM", 0.001]), ["pass-on", "ignore"]);
  });

  it("may come as often as it likes when it does not ask for the end", () => {
    assert.deepEqual(judgeAll(false, ["SIGUSR1", 0], ["SIGUSR1", 0], ["SIGUSR1", 1]), [
      "pass-on",
      "pass-on",
      "pass-on",
    ]);
    assert.deepEqual(judgeAll(false, ["SIGTERM", 0], ["SIGUSR2", 1]), ["pass-on", "pass-on"]);
  });

  it("does not kill when SIGHUP comes along with SIGTERM, as from a system that shuts down", () => {
    assert.deepEqual(judgeAll(false, ["SIGTERM", 0], ["SIGHUP", 0]), ["pass-on", "pass-on"]);
    assert.deepEqual(judgeAll(false, ["SIGHUP", 0], ["SIGTERM", 0]), ["pass-on", "pass-on"]);
  });
});

describe("a signal for etcdlocker whose command shares the terminal", () => {
  it("is not sent again when it was typed", () => {
    assert.deepEqual(judgeAll(true, ["SIGINT", 0]), ["ignore"]);
    assert.deepEqual(judgeAll(true, ["SIGQUIT", 0]), ["ignore"]);
    assert.deepEqual(judgeAll(true, ["SIGTERM", 0]), ["pass-on"]);
  });

  it("kills when it is typed twice in 5 s", () => {
    assert.deepEqual(judgeAll(true, ["SIGINT", 0], ["SIGINT", 4.9]), ["ignore", "kill"]);
    assert.deepEqual(judgeAll(true, ["SIGINT", 0], ["SIGQUIT", 1]), ["ignore", "kill"]);
  });

  it("does nothing to a command that lives through a Ctrl-C now and then", () => {
    assert.deepEqual(judgeAll(true, ["SIGINT", 0], ["SIGINT", 6], ["SIGINT", 12]), ["ignore", "ignore", "ignore"]);
    assert.deepEqual(judgeAll(true, ["SIGINT", 0], ["SIGTERM", 60]), ["ignore", "pass-on"]);
  });

  it("is not taken for impatience when the terminal is closed, which gives two SIGHUP", () => {
    assert.deepEqual(judgeAll(true, ["SIGHUP", 0], ["SIGHUP", 1]), ["pass-on", "pass-on"]);
  });
});
