import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findEtcd } from "#dist/testing/index.js";

/** Makes a member's data from a snapshot. This is what `etcdutl` does since etcd 3.6, and before it etcdctl did. */
export async function restoreSnapshot(snapshot: string, ...words: readonly string[]): Promise<void> {
  const { etcd, etcdctl = "etcdctl" } = findEtcd();
  const etcdutl = join(dirname(etcd), "etcdutl");
  await promisify(execFile)(existsSync(etcdutl) ? etcdutl : etcdctl, ["snapshot", "restore", snapshot, ...words]);
}
