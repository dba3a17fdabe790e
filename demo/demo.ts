// Program: shows the main job on this machine, with a real etcd and real processes. `npm run demo` builds and runs it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEtcd } from "etcd-lock/testing";
import { Narrator } from "./narrator.ts";
import { Story } from "./story.ts";

const machines = ["north", "south", "east", "west"] as const;
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

const narrator = new Narrator(machines);
/** What to end, in the order in which it came to be. */
const endings: (() => Promise<void>)[] = [];
let cleaning: Promise<void> | undefined;
let isInterrupted = false;

for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, () => void leave(signal));

try {
  const folder = await mkdtemp(join(tmpdir(), "etcd-lock-demo-"));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const cluster = await startEtcd();
  endings.push(() => cluster.stop());
  const story = new Story({ cluster, narrator, ledger: join(folder, "ledger"), machines });
  endings.push(() => story.end());
  await story.tell();
} catch (error) {
  // What is ended under its hands fails.
  if (!isInterrupted) {
    narrator.say(`The demo failed: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
  }
} finally {
  await cleanUp();
}

async function leave(signal: keyof typeof signalNumbers): Promise<void> {
  const isRepeated = isInterrupted;
  isInterrupted = true;
  if (!isRepeated) {
    narrator.say();
    narrator.say(`${signal}: ending every process of the demo ...`);
    await cleanUp();
  }
  process.exit(128 + signalNumbers[signal]);
}

function cleanUp(): Promise<void> {
  cleaning ??= endAll();
  return cleaning;
}

async function endAll(): Promise<void> {
  for (const end of endings.reverse()) await end();
}
