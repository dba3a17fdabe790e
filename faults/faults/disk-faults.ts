import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { EtcdMember } from "#dist/testing/index.js";
import { type Fault, type Inflicted, NotPossible } from "./fault.ts";

/** What is done to the disks, by slowing down what waits for them (strace). */
export const diskFaults: readonly Fault[] = [
  {
    name: "leader-stall",
    text: "the leader is stuck in fsync for longer than the TTL; it still answers what needs no disk",
    part: "etcd",
    weight: 2,
    inflict: async ({ cluster, ttlMs, random }) => {
      const leader = await cluster.leader();
      return await slowDown([leader], ttlMs * 2, ttlMs + random.between(200, 1_500));
    },
  },
  {
    name: "slow-disk",
    text: "every fsync of every member takes a fifth of a second longer",
    part: "etcd",
    inflict: async ({ cluster, ttlMs, random }) => await slowDown(cluster.members, 200, ttlMs * random.between(1, 2)),
  },
];

async function slowDown(members: readonly EtcdMember[], byMs: number, lastsMs: number): Promise<Inflicted> {
  if (spawnSync("strace", ["--version"], { stdio: "ignore" }).status !== 0) throw new NotPossible("needs strace");
  const tracers = await Promise.all(members.map(({ pid }) => attach(pid, byMs)));
  return {
    note: members.map(({ name }) => name).join(" "),
    lastsMs,
    heal: async () => {
      await Promise.all(tracers.map(detach));
    },
  };
}

async function attach(pid: number, byMs: number): Promise<ChildProcess> {
  const injection = `inject=fdatasync,fsync:delay_enter=${Math.round(byMs * 1_000)}`;
  const words = ["-f", "-qq", "-p", String(pid), "-e", "trace=fdatasync,fsync", "-e", injection];
  const tracer = spawn("strace", [...words, "-o", "/dev/null"], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(tracer, "exit").then(([code]) => code);
  const early = await Promise.race([ended, delay(150, undefined)]);
  if (early !== undefined) throw new NotPossible(`strace may not attach to a process here (exit code ${early})`);
  return tracer;
}

/** It waits for a delay that is under way. */
async function detach(tracer: ChildProcess): Promise<void> {
  if (tracer.exitCode !== null || tracer.signalCode !== null) return;
  const ended = once(tracer, "exit");
  tracer.kill("SIGTERM");
  await ended;
}
