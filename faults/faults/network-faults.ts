import { setTimeout as delay } from "node:timers/promises";
import type { EtcdMember } from "#dist/testing/index.js";
import { type Rule, wholeNetwork } from "../network/faulty-proxy.ts";
import { type Flow, passing } from "../network/pump.ts";
import type { Scene } from "../run/scene.ts";
import type { Fault, Inflicted } from "./fault.ts";

const held: Flow = { kind: "hold" };
const dropped: Flow = { kind: "drop" };

const blackHole: Rule = { requests: held, answers: held };
/** Requests get lost, and what etcd says of itself comes through. */
const deafMember: Rule = { requests: held, answers: passing };
/** What is asked is done, and nobody learns of it. */
const muteMember: Rule = { requests: passing, answers: held };
const lostRequests: Rule = { requests: dropped, answers: dropped };
const lostAnswers: Rule = { requests: passing, answers: dropped };

/** What is done to the network between members, and between clients and members. */
export const networkFaults: readonly Fault[] = [
  {
    name: "leader-isolated",
    text: "the leader is cut off from the other members, both ways, and not from the clients",
    part: "etcd",
    inflict: (scene) => isolate(scene, "both"),
  },
  {
    name: "leader-unheard",
    text: "nothing that the leader says reaches the other members; it hears them",
    part: "etcd",
    inflict: (scene) => isolate(scene, "from"),
  },
  {
    name: "leader-deaf",
    text: "nothing that the other members say reaches the leader; they hear it",
    part: "etcd",
    inflict: (scene) => isolate(scene, "to"),
  },
  {
    name: "leader-unreachable",
    text: "all clients are cut off from the leader, and from nobody else",
    part: "etcd",
    inflict: async (scene) => apply(scene, scene.network.machines, [await scene.cluster.leader()], blackHole),
  },
  {
    name: "half-open",
    text: "packets between all clients and one member get lost without an end, and connections stay open",
    part: "etcd",
    inflict: async (scene) => apply(scene, scene.network.machines, [scene.anyMember()], blackHole),
  },
  {
    name: "requests-lost",
    text: "packets from the clients to one member get lost, and its own do not",
    part: "etcd",
    inflict: async (scene) => apply(scene, scene.network.machines, [scene.anyMember()], deafMember),
  },
  {
    name: "answers-lost",
    text: "packets from one member to the clients get lost: what they ask for is done",
    part: "etcd",
    inflict: async (scene) => apply(scene, scene.network.machines, [scene.anyMember()], muteMember),
  },
  {
    name: "slow-network",
    text: "everything between clients and members takes longer than a try is given",
    part: "etcd",
    inflict: async (scene) => {
      const slow: Flow = { kind: "pass", delayMs: (scene.ttlMs / 6) * scene.random.between(1, 2) };
      return await apply(scene, scene.network.machines, scene.cluster.members, { requests: slow, answers: slow });
    },
  },
  {
    name: "slow-answers-then-cut",
    text: "answers to one machine take nearly as long as a try is given, and then none come",
    part: "clients",
    weight: 2,
    inflict: async (scene) => {
      const machine = scene.anyMachine();
      const { members } = scene.cluster;
      const slow: Flow = { kind: "pass", delayMs: (scene.ttlMs / 6) * 0.85 };
      scene.network.setClients([machine], members, { requests: passing, answers: slow });
      await delay(scene.ttlMs * scene.random.between(1, 1.5));
      return await apply(scene, [machine], members, blackHole, 1.5);
    },
  },
  {
    name: "machine-cut-off",
    text: "one machine reaches no member, for longer than the TTL",
    part: "clients",
    weight: 2,
    inflict: async (scene) => apply(scene, [scene.anyMachine()], scene.cluster.members, blackHole, 1.3),
  },
  {
    name: "machine-unheard",
    text: "one machine hears what etcd says, and is not heard",
    part: "clients",
    inflict: async (scene) => apply(scene, [scene.anyMachine()], scene.cluster.members, deafMember),
  },
  {
    name: "reset-before-arrival",
    text: "connections are reset again and again, and requests on their way are lost",
    part: "clients",
    inflict: (scene) => resets(scene, lostRequests),
  },
  {
    name: "reset-before-answer",
    text: "connections are reset again and again, after the requests were carried out and before they were answered",
    part: "clients",
    inflict: (scene) => resets(scene, lostAnswers),
  },
];

async function isolate({ network, cluster, random, ttlMs }: Scene, way: "from" | "to" | "both"): Promise<Inflicted> {
  const leader = await cluster.leader();
  for (const other of cluster.members.filter((member) => member !== leader)) {
    if (way !== "to") network.cutMembers(leader, other);
    if (way !== "from") network.cutMembers(other, leader);
  }
  return {
    note: leader.name,
    lastsMs: ttlMs * random.between(0.5, 1.5),
    heal: async () => network.healMembers(),
  };
}

async function apply(
  { network, random, ttlMs }: Scene,
  machines: readonly string[],
  members: readonly EtcdMember[],
  rule: Rule,
  leastTtls = 0.5,
): Promise<Inflicted> {
  network.setClients(machines, members, rule);
  const who = machines.length === 1 ? `${machines[0]}, ` : "";
  return {
    note: `${who}${members.map(({ name }) => name).join(" ")}`,
    lastsMs: ttlMs * random.between(leastTtls, leastTtls + 0.8),
    heal: async () => network.setClients(machines, members, wholeNetwork),
  };
}

/** A connection that lost something is reset when the rule ends. */
async function resets({ network, random, cluster }: Scene, rule: Rule): Promise<Inflicted> {
  const { machines } = network;
  const rounds = 12;
  for (let round = 0; round < rounds; round += 1) {
    const chosen = [random.oneOf(machines)];
    network.setClients(chosen, cluster.members, rule);
    await delay(random.between(1, 60));
    network.resetClients(chosen, cluster.members);
    network.setClients(chosen, cluster.members, wholeNetwork);
    await delay(random.between(20, 120));
  }
  return { note: `${rounds} times`, lastsMs: 0, heal: async () => {} };
}
