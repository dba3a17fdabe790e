import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { NodePing } from "#dist/cli/node-ping.js";
import { fixture } from "../support/etcdlocker.ts";
import { within } from "../support/eventually.ts";

interface Pinged extends AsyncDisposable {
  readonly module: ChildProcess;
  /** Resolves to why the ping failed. */
  readonly failure: Promise<string>;
}

/** A module that is pinged every 50 ms, and has `limitMs` for its answers. */
function setUp(name: string, limitMs: number, ...words: string[]): Pinged {
  const module = fork(fixture(name), words, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  let ping: NodePing | undefined;
  const failure = new Promise<string>((resolve) => {
    ping = new NodePing(module, { intervalMs: 50, limitMs, now: () => performance.now() }, resolve);
  });
  return {
    module,
    failure,
    [Symbol.asyncDispose]: async () => {
      ping?.stop();
      if (module.exitCode === null && module.signalCode === null) {
        module.kill("SIGKILL");
        await once(module, "exit");
      }
    },
  };
}

/** Rejects when the ping fails before `event` has come. */
async function withoutFailure<Value>({ failure }: Pinged, event: Promise<Value>): Promise<Value> {
  const failed = failure.then((reason) => assert.fail(reason));
  return await within(10_000, "the event", Promise.race([event, failed]));
}

describe("the ping of a Node.js module", () => {
  it("goes on as long as it is answered, and the module's own end is no failure", async () => {
    await using pinged = setUp("pong", 5_000, "5");
    const [code] = await withoutFailure(pinged, once(pinged.module, "exit"));
    assert.equal(code, 5, "the module ends after as many pings");
    await withoutFailure(pinged, delay(1_200));
  });

  it("does not mind messages that are no answers, nor second answers", async () => {
    await using pinged = setUp("chatty-pong", 5_000);
    let pongs = 0;
    pinged.module.on("message", (message) => {
      if (typeof message === "object" && "pong" in message && typeof message.pong === "number") pongs += 1;
      if (pongs === 8) pinged.module.emit("four pings");
    });
    await withoutFailure(pinged, once(pinged.module, "four pings"));
  });

  it("fails when an answer is wrong", async () => {
    await using pinged = setUp("wrong-pong", 60_000);
    assert.match(await within(10_000, "the failure", pinged.failure), /wrong/);
  });

  it("fails when there is no answer in time", async () => {
    const startedAt = performance.now();
    await using pinged = setUp("no-pong", 400);
    assert.match(await within(10_000, "the failure", pinged.failure), /not answered within 400 ms/);
    assert.ok(performance.now() - startedAt >= 399);
  });

  it("fails when the channel is closed and the module goes on", async () => {
    await using pinged = setUp("closed-channel", 60_000);
    assert.match(await within(10_000, "the failure", pinged.failure), /closed the channel/);
    assert.equal(pinged.module.exitCode, null);
  });

  it("does not blame the module when it was us who slept", async () => {
    await using pinged = setUp("pong", 1_500);
    await once(pinged.module, "message");
    // The next ping is answered while nothing can be read here.
    await delay(60);
    const until = performance.now() + 2_000;
    while (performance.now() < until);
    await withoutFailure(pinged, once(pinged.module, "message"));
    await withoutFailure(pinged, once(pinged.module, "message"));
  });
});
