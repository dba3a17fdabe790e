import { createHash } from "node:crypto";
import { type EtcdAccess, parseEtcdSource } from "./etcd/endpoints.ts";
import { LockManager } from "./lock-manager.ts";

const managers = new Map<string, LockManager>();

/**
 * The manager that all locks with the same way to etcd in this process share, and with it connection and sessions. It is
 * never closed: idle, it holds nothing in etcd, and does not keep the process alive.
 *
 * @throws TypeError that says what came and what is allowed.
 */
export function sharedManager(etcd: unknown): LockManager {
  const access = parseEtcdSource(etcd);
  const name = nameOf(access);
  const manager = managers.get(name) ?? new LockManager(access);
  managers.set(name, manager);
  return manager;
}

/** The same for the same way to etcd. A digest: what is kept here need not be secret. */
function nameOf(access: EtcdAccess): string {
  return createHash("sha256").update(JSON.stringify(access)).digest("hex");
}
