import { compact, makeSpace } from "../../test/support/etcd-space.ts";
import { wholeNetwork } from "../network/faulty-proxy.ts";
import { fillUp } from "../run/fill-up.ts";
import { persist } from "../run/persist.ts";
import type { Scene } from "../run/scene.ts";
import { type Fault, type Inflicted, NotPossible } from "./fault.ts";

/** What is done to the data of etcd, by its administrators and others. */
export const dataFaults: readonly Fault[] = [
  {
    name: "compaction",
    text: "history is compacted several times while many wait",
    part: "etcd",
    inflict: async ({ cluster }) => {
      for (let round = 0; round < 5; round += 1) await compact(cluster);
      return momentary("5 times");
    },
  },
  {
    name: "defragmentation",
    text: "each member is defragmented, and answers nobody meanwhile",
    part: "etcd",
    inflict: async ({ cluster }) => {
      await cluster.etcdctl("defrag");
      return momentary("all members");
    },
  },
  {
    name: "no-space",
    text: "the space quota is reached (NOSPACE), and space is made later",
    part: "etcd",
    inflict: async ({ cluster, random, ttlMs }) => {
      try {
        await fillUp(cluster);
      } catch (error) {
        await persist(() => makeSpace(cluster));
        throw error;
      }
      return { note: "", lastsMs: ttlMs * random.between(0.8, 1.6), heal: () => makeSpace(cluster) };
    },
  },
  {
    name: "lease-revoked",
    text: "the lease of somebody in line is revoked",
    part: "clients",
    inflict: async (scene) => {
      const { key, lease } = await chooseEntry(scene);
      await scene.cluster.etcdctl("lease", "revoke", lease);
      return momentary(key);
    },
  },
  {
    name: "lease-revoked-behind-cut",
    text: "a machine reaches no member, and the leases of all that it has in line are revoked meanwhile",
    part: "clients",
    weight: 2,
    inflict: async (scene) => {
      const { network, cluster, random, ttlMs } = scene;
      const machine = scene.anyMachine();
      const entries = (await readEntries(scene)).filter(({ id }) => scene.machineOf(id) === machine);
      if (entries.length === 0) throw new NotPossible(`nobody of ${machine} is in line`);
      network.setClients([machine], cluster.members, { requests: { kind: "hold" }, answers: { kind: "hold" } });
      const leases = new Set(entries.map(({ lease }) => lease));
      for (const lease of leases) await cluster.etcdctl("lease", "revoke", lease).catch(() => undefined);
      return {
        note: `${machine}, ${leases.size} leases`,
        lastsMs: ttlMs * random.between(1.2, 1.8),
        heal: async () => network.setClients([machine], cluster.members, wholeNetwork),
      };
    },
  },
  {
    name: "entry-deleted",
    text: "the entry of somebody in line is deleted",
    part: "clients",
    inflict: async (scene) => {
      const { key } = await chooseEntry(scene);
      await scene.cluster.etcdctl("del", "--", key);
      return momentary(key);
    },
  },
  {
    name: "entry-overwritten",
    text: "the entry of somebody in line is overwritten, on its own lease, and deleted a TTL later",
    part: "clients",
    inflict: async (scene) => {
      const { key, lease } = await chooseEntry(scene);
      await scene.cluster.etcdctl("put", `--lease=${lease}`, "--", key, "somebody else");
      return strange(scene, key);
    },
  },
  {
    name: "entry-rewritten",
    text: "the entry of somebody in line is overwritten with the value that it has, and deleted a TTL later",
    part: "clients",
    inflict: async (scene) => {
      const { key, lease, value } = await chooseEntry(scene);
      await scene.cluster.etcdctl("put", `--lease=${lease}`, "--", key, value);
      return strange(scene, key);
    },
  },
  {
    name: "entry-without-lease",
    text: "the entry of somebody in line is put again without a lease, and deleted a TTL later",
    part: "clients",
    inflict: async (scene) => {
      const { key, value } = await chooseEntry(scene);
      await scene.cluster.etcdctl("put", "--", key, value);
      return strange(scene, key);
    },
  },
];

interface StoredEntry {
  readonly key: string;
  readonly value: string;
  /** In hexadecimal, as etcdctl wants it. */
  readonly lease: string;
  readonly id: string;
}

async function chooseEntry(scene: Scene): Promise<StoredEntry> {
  const entries = await readEntries(scene);
  if (entries.length === 0) throw new NotPossible("nobody is in line at this moment");
  return scene.random.oneOf(entries);
}

/** The entries of ours in all lines; what is foreign has no id. */
async function readEntries({ cluster, prefix }: Scene): Promise<readonly StoredEntry[]> {
  const answer = await cluster.etcdctl("get", "--prefix", "--write-out=json", "--", prefix);
  // Leases are 63 bits long, and would be rounded as numbers.
  const { kvs = [] }: { kvs?: { key: string; value?: string; lease?: string }[] } = JSON.parse(
    answer.replace(/"lease":(\d+)/g, '"lease":"$1"'),
  );
  return kvs.flatMap(({ key: encodedKey, value: encodedValue = "", lease }) => {
    const [key, value] = [encodedKey, encodedValue].map((text) => Buffer.from(text, "base64").toString());
    if (key === undefined || value === undefined || lease === undefined || key.includes("!")) return [];
    const id = /"id":"([^"]*)"/.exec(value)?.[1] ?? "";
    return [{ key, value, lease: BigInt(lease).toString(16), id }];
  });
}

/** What somebody else has written stands in line, and none of ours touches it: who has put it there takes it away. */
function strange({ cluster, ttlMs }: Scene, key: string): Inflicted {
  return { note: key, lastsMs: ttlMs, heal: async () => void (await cluster.etcdctl("del", "--", key)) };
}

function momentary(note: string): Inflicted {
  return { note, lastsMs: 0, heal: async () => {} };
}
