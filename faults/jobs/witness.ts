// Program: what a command under a lock does here. It writes down, again and again, that it lives: it is its own life that
// is judged, and that of its descendant, not what anybody believes of it.

import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Recorder } from "../history/recorder.ts";
import type { WitnessJob } from "./witness-job.ts";

const job: WitnessJob = JSON.parse(process.env.FAULTS_WITNESS ?? "");
const isDescendant = process.argv[2] === "descendant";
const tickMs = 5;

const { attempt, name } = job;
const recorder = new Recorder(`${job.history}/${attempt.replaceAll("/", "-")}-${process.pid}.jsonl`);
if (!isDescendant) enter();
if (job.ignoresTerm) process.on("SIGTERM", () => undefined);
const { pid } = process;
recorder.write({ kind: "believed", attempt, name, pid });
setInterval(() => recorder.write({ kind: "believed", attempt, name, pid }), tickMs);
const descendant = job.forks && !isDescendant ? startDescendant() : undefined;
if (!isDescendant) {
  process.stdout.write(`inside ${pid} ${descendant ?? ""}\n`, () => {
    if (job.closesStreams) for (const stream of [0, 1, 2]) closeSync(stream);
  });
}
// A descendant would go on for much longer, if nobody ended it.
setTimeout(() => process.exit(), isDescendant ? job.lastsMs + 3_000 : job.lastsMs);

function enter(): void {
  const { ETCD_LOCK_REV: token = "", ETCDLOCKER_LEASE: lease } = process.env;
  const key = lease === undefined ? undefined : `${name}/${lease}`;
  const { ttlSeconds } = job;
  recorder.write({ kind: "entered", attempt, name, token, limit: 1, key, createRevision: undefined, ttlSeconds });
}

function startDescendant(): number | undefined {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "descendant"], { stdio: "ignore" });
  child.unref();
  return child.pid;
}
