import type { EtcdMember } from "#dist/testing/index.js";
import type { Scene } from "../run/scene.ts";
import type { Fault, Inflicted } from "./fault.ts";

/** What is done to the processes of etcd. */
export const memberFaults: readonly Fault[] = [
  {
    name: "leader-pause",
    text: "the leader is stopped for longer than the TTL, and woken",
    part: "etcd",
    weight: 24,
    inflict: async (scene) => pause(await scene.cluster.leader(), scene.ttlMs + scene.random.between(300, 1_500)),
  },
  {
    name: "leader-stop",
    text: "the leader is stopped for less than the TTL, and woken",
    part: "etcd",
    inflict: async (scene) => pause(await scene.cluster.leader(), scene.ttlMs * scene.random.between(0.4, 0.8)),
  },
  {
    name: "leader-kill",
    text: "the leader is killed, and started again",
    part: "etcd",
    inflict: async (scene) => kill(await scene.cluster.leader(), scene, "SIGKILL"),
  },
  {
    name: "leader-restart",
    text: "the leader is ended in order, and started again",
    part: "etcd",
    inflict: async (scene) => kill(await scene.cluster.leader(), scene, "SIGTERM"),
  },
  {
    name: "member-kill",
    text: "a follower is killed, and started again",
    part: "etcd",
    inflict: async (scene) => kill(await scene.follower(), scene, "SIGKILL"),
  },
  {
    name: "member-stop",
    text: "a follower is stopped, and woken",
    part: "etcd",
    inflict: async (scene) => pause(await scene.follower(), scene.ttlMs + scene.random.between(0, 1_500)),
  },
  {
    name: "majority-stop",
    text: "two of three members are stopped, so that nothing can be written, and woken",
    part: "etcd",
    inflict: async (scene) => {
      const members = scene.random.shuffled(scene.cluster.members).slice(0, 2);
      const pauses = members.map((member) => pause(member, scene.ttlMs * scene.random.between(0.3, 1.4)));
      return {
        note: pauses.map(({ note }) => note).join(", "),
        lastsMs: Math.max(...pauses.map(({ lastsMs }) => lastsMs)),
        heal: async () => {
          for (const { heal } of pauses) await heal();
        },
      };
    },
  },
  {
    name: "rolling-restart",
    text: "all members are ended in order and started again, one after the other",
    part: "etcd",
    inflict: async ({ cluster }) => {
      for (const member of cluster.members) {
        await member.kill("SIGTERM");
        await member.start();
      }
      return { note: "all members", lastsMs: 0, heal: async () => {} };
    },
  },
];

function pause(member: EtcdMember, lastsMs: number): Inflicted {
  member.pause();
  return { note: member.name, lastsMs, heal: async () => member.resume() };
}

async function kill(member: EtcdMember, { random }: Scene, signal: NodeJS.Signals): Promise<Inflicted> {
  await member.kill(signal);
  return { note: member.name, lastsMs: random.between(0, 2_500), heal: () => member.start() };
}
