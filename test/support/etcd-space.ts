import type { EtcdCluster } from "#dist/testing/index.js";

const mostKeys = 500;

/** Writes below `fill/` until etcd takes no more: its quota is reached, and it has raised the NOSPACE alarm. */
export async function fillUp(cluster: EtcdCluster): Promise<void> {
  const value = "x".repeat(100_000);
  for (let number = 0; number < mostKeys; number += 1) {
    try {
      await cluster.etcdctl("put", `fill/${number}`, value);
    } catch (error) {
      if (String(error).includes("database space exceeded")) return;
      throw error;
    }
  }
  throw new Error("etcd took everything: it needs a smaller --quota-backend-bytes");
}

/** Undoes {@link fillUp}, as an operator does: deletes, compacts, defragments, and disarms the alarm. */
export async function makeSpace(cluster: EtcdCluster): Promise<void> {
  await cluster.etcdctl("del", "--prefix", "fill/");
  await compact(cluster);
  await cluster.etcdctl("defrag");
  await cluster.etcdctl("alarm", "disarm");
}

/** Makes everything that has happened so far unreadable, and removes it. */
export async function compact(cluster: EtcdCluster): Promise<void> {
  const [{ Status }] = JSON.parse(await cluster.etcdctl("endpoint", "status", "--write-out=json"));
  try {
    await cluster.etcdctl("compaction", "--physical", `${Status.header.revision}`);
  } catch (error) {
    // Nothing may have happened since the last time.
    if (!String(error).includes("has been compacted")) throw error;
  }
}
