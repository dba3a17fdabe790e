import { parseEtcdSource } from "./etcd/endpoints.ts";
import { LockManager } from "./lock-manager.ts";

const managers = new Map<string, LockManager>();

/**
 * The manager that all locks with the same endpoints in this process share, and with it connection and sessions. It is
 * never closed: idle, it holds nothing in etcd, and does not keep the process alive.
 *
 * @throws TypeError that says what came and what is allowed.
 */
export function sharedManager(etcd: unknown): LockManager {
  const endpoints = parseEtcdSource(etcd);
  const name = endpoints.join(",");
  const manager = managers.get(name) ?? new LockManager({ endpoints });
  managers.set(name, manager);
  return manager;
}
