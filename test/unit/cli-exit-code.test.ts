import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { processExitCode, runExitCode, signalExitCode, type Verdict } from "#dist/cli/exit-code.js";

const fine: Verdict = {
  end: { kind: "exited", code: 7 },
  isLost: false,
  hasPingFailed: false,
  endingSignal: undefined,
};

describe("an exit code", () => {
  it("is that of the command", () => {
    assert.equal(runExitCode(fine), 7);
  });

  it("is 128 + N for a command that ended by signal N", () => {
    assert.equal(processExitCode({ kind: "signalled", signal: "SIGTERM" }), 143);
    assert.equal(signalExitCode("SIGKILL"), 137);
    assert.equal(signalExitCode("SIGINT"), 130);
    assert.equal(signalExitCode("SIGHUP"), 129);
  });

  it("is 128 + N when etcdlocker was ended by signal N, whatever the command made of it", () => {
    assert.equal(runExitCode({ ...fine, endingSignal: "SIGTERM" }), 143);
  });

  it("says first what endangers others", () => {
    const all: Verdict = { end: undefined, isLost: true, hasPingFailed: true, endingSignal: "SIGTERM" };
    assert.equal(runExitCode(all), 3);
    assert.equal(runExitCode({ ...all, end: fine.end }), 2);
    assert.equal(runExitCode({ ...all, end: fine.end, isLost: false }), 4);
  });
});
