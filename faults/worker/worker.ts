// Program: one client process. Takes turns with many locks, and writes down what it believes. Its job is its first word,
// and orders come on standard input; with the end of that it ends, too.

import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../test/support/random.ts";
import { Recorder } from "../history/recorder.ts";
import { Beliefs } from "./beliefs.ts";
import { chooseLongStay, chooseWish } from "./choose-wish.ts";
import { crowd } from "./crowd.ts";
import { Etcd3Taker } from "./etcd3-taker.ts";
import { block, shiftWallClock, useUpDescriptors } from "./hardships.ts";
import { LibraryTaker } from "./library-taker.ts";
import { ResourceClient } from "./resource-client.ts";
import { type TurnContext, takeTurn } from "./turn.ts";
import type { WorkerJob, WorkerOrder } from "./worker-job.ts";

/** So many, besides, stay inside for long. */
const longStays = 2;

const job: WorkerJob = JSON.parse(process.argv[2] ?? "");
const random = new Random(job.seed);
const recorder = new Recorder(job.history);
const { locks } = job;
const taker =
  locks.kind === "etcd-lock" ? await LibraryTaker.load(job, locks.library) : new Etcd3Taker(job, locks.packages);
const context: TurnContext = {
  who: job.who,
  ttlSeconds: job.ttlSeconds,
  taker,
  recorder,
  beliefs: new Beliefs(recorder, job.who),
  resource: await ResourceClient.connect(job.resource),
};
let attempts = 0;
let isDraining = false;
const ownTasks = new Set<Promise<void>>();

const input = createInterface({ input: process.stdin });
input.on("line", (line) => obey(JSON.parse(line)));
input.on("close", () => process.exit());

await Promise.all([
  ...Array.from({ length: job.callers }, () => takeTurns(random.fork(), chooseWish)),
  ...Array.from({ length: longStays }, () => takeTurns(random.fork(), chooseLongStay)),
]);
await Promise.all(ownTasks);
// What could not be ended is found to be left.
await taker.close().catch(() => undefined);
process.exit();

async function takeTurns(own: Random, choose: typeof chooseWish): Promise<void> {
  while (!isDraining) {
    await takeTurn(context, nextAttempt(), choose(own, job.names, job.ttlSeconds * 1_000));
    await delay(own.between(0, 80));
  }
}

function nextAttempt(): string {
  attempts += 1;
  return `${job.who}/${attempts}`;
}

function obey(order: WorkerOrder): void {
  switch (order.kind) {
    case "block":
      block(order.ms);
      break;
    case "shift-wall-clock":
      shiftWallClock(order.byMs);
      break;
    case "use-up-descriptors":
      keep(useUpDescriptors(order.ms));
      break;
    case "crowd":
      keep(crowd(context, nextAttempt, order));
      break;
    case "drain":
      isDraining = true;
      break;
  }
}

function keep(task: Promise<void>): void {
  ownTasks.add(task);
}
