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
  /** The pings that the module has received are those we sent. */
  readonly sent: () => number;
  /** Resolves to why the ping failed. */
  readonly failure: Promise<string>;
}

/** A module that is pinged every 50 ms. */
function setUp(name: string, limitMs: number, ...words: string[]): Pinged {
  const module = fork(fixture(name), words, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  let sent = 0;
  const send = module.send.bind(module) as (message: object, callback: () => void) => boolean;
  module.send = (message: object, callback: () => void) => {
    sent += 1;
    return send(message, callback);
  };
  let ping: NodePing | undefined;
  const failure = new Promise<string>((resolve) => {
    ping = new NodePing(module, { intervalMs: 50, limitMs, now: () => performance.now() }, resolve);
  });
  return {
    module,
    sent: () => sent,
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
