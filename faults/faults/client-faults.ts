import { setTimeout as delay } from "node:timers/promises";
import type { JobSlot } from "../jobs/job-slot.ts";
import type { Scene } from "../run/scene.ts";
import { type Fault, type Inflicted, NotPossible } from "./fault.ts";

const newGuardianMs = 2_500;
const slotLimitMs = 5_000;
const slotPauseMs = 20;

/** What is done to the processes of clients and commands. */
export const clientFaults: readonly Fault[] = [
  {
    name: "client-freeze",
    text: "a client process is stopped for longer than its TTL (SIGSTOP), and woken",
    part: "clients",
    weight: 2,
    inflict: async ({ workers, random, ttlMs }) => {
      const worker = random.oneOf(workers.all);
      worker.freeze();
      return { note: worker.who, lastsMs: ttlMs * random.between(1.1, 1.8), heal: async () => worker.thaw() };
    },
  },
  {
    name: "client-block",
    text: "the event loop of a client process is blocked for longer than its TTL",
    part: "clients",
    inflict: async ({ workers, random, ttlMs }) => {
      const worker = random.oneOf(workers.all);
      const ms = ttlMs * random.between(0.6, 1.4);
      worker.tell({ kind: "block", ms });
      return { note: worker.who, lastsMs: ms, heal: async () => {} };
    },
  },
  {
    name: "client-kill",
    text: "a client process is killed, with all that it holds and waits for; another takes its place",
    part: "clients",
    inflict: async ({ workers, random }) => {
      const worker = random.oneOf(workers.all);
      await worker.kill();
      return { note: worker.who, lastsMs: random.between(0, 500), heal: () => workers.replace(worker) };
    },
  },
  {
    name: "wall-clock-jump",
    text: "the wall clock of a client process is set forward or back by up to an hour",
    part: "clients",
    inflict: async ({ workers, random }) => {
      const worker = random.oneOf(workers.all);
      const byMs = random.between(-3_600_000, 3_600_000);
      worker.tell({ kind: "shift-wall-clock", byMs });
      return {
        note: `${worker.who} by ${Math.round(byMs / 1_000)} s`,
        lastsMs: random.between(500, 2_000),
        heal: async () => worker.tell({ kind: "shift-wall-clock", byMs: -byMs }),
      };
    },
  },
  {
    name: "descriptors-used-up",
    text: "a client process can open no file and no connection, while its connections are reset",
    part: "clients",
    inflict: async ({ workers, network, cluster, random, ttlMs }) => {
      const worker = random.oneOf(workers.all);
      const ms = ttlMs * random.between(0.4, 1.2);
      worker.tell({ kind: "use-up-descriptors", ms });
      network.resetClients([workers.machineOf(worker)], cluster.members);
      return { note: worker.who, lastsMs: ms, heal: async () => {} };
    },
  },
  {
    name: "crowd",
    text: "a thousand more wait in one line, and give up",
    part: "clients",
    inflict: async ({ workers, names, random, crowdSize }) => {
      const worker = random.oneOf(workers.all);
      const ms = 2_500;
      worker.tell({ kind: "crowd", name: random.oneOf(names.exclusive), count: crowdSize, ms });
      return { note: `${crowdSize} of ${worker.who}`, lastsMs: ms, heal: async () => {} };
    },
  },
  {
    name: "locker-kill",
    text: "etcdlocker is killed while its command runs, or while it waits",
    part: "clients",
    weight: 2,
    inflict: async (scene) => {
      const slot = await chooseSlot(scene, ({ pid }) => pid !== undefined);
      slot.hurt("SIGKILL", "killed");
      return momentary(`process ${slot.pid ?? ""}`);
    },
  },
  {
    name: "locker-freeze",
    text: "etcdlocker is stopped for longer than its TTL while its command runs, and woken",
    part: "clients",
    weight: 2,
    inflict: async (scene) => {
      const slot = await chooseSlot(scene, ({ commandPid }) => commandPid !== undefined);
      slot.hurt("SIGSTOP", "frozen");
      const { pid } = slot;
      return {
        note: `process ${pid}`,
        lastsMs: scene.ttlMs * scene.random.between(1.1, 1.6),
        heal: async () => {
          if (slot.pid === pid) slot.hurt("SIGCONT", "thawed");
        },
      };
    },
  },
  {
    name: "command-kill",
    text: "the command under etcdlocker is killed",
    part: "clients",
    inflict: async (scene) => {
      const { commandPid } = await chooseSlot(scene, (slot) => slot.commandPid !== undefined);
      kill(commandPid);
      return momentary(`process ${commandPid}`);
    },
  },
  {
    name: "guardian-kill",
    text: "the guardian of etcdlocker is killed, and then etcdlocker",
    part: "clients",
    inflict: async (scene) => {
      const slot = await chooseSlot(
        scene,
        ({ commandPid, guardianPid }) => commandPid !== undefined && guardianPid !== undefined,
      );
      const { guardianPid } = slot;
      kill(guardianPid);
      return {
        note: `process ${guardianPid}`,
        // Another guardian is started meanwhile: until it is ready, nobody guards.
        lastsMs: newGuardianMs,
        heal: async () => {
          if (slot.commandPid !== undefined) slot.hurt("SIGKILL", "killed");
        },
      };
    },
  },
];

/** Most commands are short: one may have to be waited for. */
async function chooseSlot({ jobs, random }: Scene, isSuitable: (slot: JobSlot) => boolean): Promise<JobSlot> {
  const givesUpAt = performance.now() + slotLimitMs;
  for (;;) {
    const suitable = jobs.filter(isSuitable);
    if (suitable.length > 0) return random.oneOf(suitable);
    if (performance.now() > givesUpAt) throw new NotPossible("no such command runs at this moment");
    await delay(slotPauseMs);
  }
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

function momentary(note: string): Inflicted {
  return { note, lastsMs: 0, heal: async () => {} };
}
