import { createHash } from "node:crypto";
import { type EtcdAccess, type EtcdSource, parseEtcdSource } from "./etcd/endpoints.ts";
import { type Etcd3Client, isEtcd3Client } from "./etcd/etcd3-client.ts";
import { LockManager } from "./lock-manager.ts";
import type { LockProvider } from "./lock-provider.ts";
import { accessOfNodeEtcd, isNodeEtcd, type NodeEtcdClient } from "./v2/node-etcd.ts";
import { toV2Access } from "./v2/v2-access.ts";
import { V2Locks } from "./v2/v2-locks.ts";

/** Where a `Lock` may be kept: in the etcd at an address, or the one that a client speaks to. */
export type LockEtcd = EtcdSource | Etcd3Client | NodeEtcdClient;

const byAddress = new Map<string, LockProvider>();
const byClient = new WeakMap<object, LockProvider>();

/**
 * What all locks with the same etcd in this process share, and with it connection and sessions. It is never closed: idle,
 * it holds nothing in etcd, and does not keep the process alive.
 *
 * @throws TypeError that says what came and what is allowed.
 */
export function provideLocks(etcd: unknown): LockProvider {
  if (isEtcd3Client(etcd)) return kept(byClient, etcd, () => new LockManager(etcd));
  if (isNodeEtcd(etcd)) return kept(byClient, etcd, () => new V2Locks(accessOfNodeEtcd(etcd)));
  const access = parseEtcdSource(etcd);
  const make = (): LockProvider => (access.api === 2 ? new V2Locks(toV2Access(access)) : new LockManager(access));
  return kept(byAddress, nameOf(access), make);
}

/** The same for the same way to etcd. A digest: what is kept here need not be secret. */
function nameOf(access: EtcdAccess): string {
  return createHash("sha256").update(JSON.stringify(access)).digest("hex");
}

function kept<Key>(
  providers: { get(key: Key): LockProvider | undefined; set(key: Key, provider: LockProvider): unknown },
  key: Key,
  make: () => LockProvider,
): LockProvider {
  const provider = providers.get(key) ?? make();
  providers.set(key, provider);
  return provider;
}
