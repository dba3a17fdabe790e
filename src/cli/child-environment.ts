import type { Environment } from "./host.ts";

/** What a command is told about the lock that it runs under. */
export interface LockFacts {
  readonly key: string;
  readonly id: string;
  readonly fencingToken: bigint;
  readonly leaseId: bigint;
}

/** `NAME=value`, as the environment of the command has it, and no command under another lock. */
export function lockMarker({ leaseId }: Pick<LockFacts, "leaseId">): string {
  return `ETCDLOCKER_LEASE=${leaseId.toString(16)}`;
}

/**
 * The environment of a command: ours, and then the facts of *this* lock, whatever lock we run under ourselves.
 * `ETCD_LOCK_REV` is what `etcdctl lock` calls the fencing token. `ETCD_LOCK_KEY` is an input, and stays as it is.
 */
export function childEnvironment(ours: Environment, { key, id, fencingToken, leaseId }: LockFacts): NodeJS.ProcessEnv {
  return {
    ...ours,
    ETCD_LOCK_REV: fencingToken.toString(),
    ETCDLOCKER_KEY: key,
    ETCDLOCKER_ID: id,
    ETCDLOCKER_FENCING_TOKEN: fencingToken.toString(),
    ETCDLOCKER_LEASE: leaseId.toString(16),
  };
}
