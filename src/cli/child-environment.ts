import type { Environment } from "./host.ts";

/** What a command is told about the lock that it runs under. */
export interface LockFacts {
  readonly id: string;
  readonly leaseId: bigint;
  /** The fencing tokens, by the names of the locks, in the order asked for. */
  readonly tokens: ReadonlyMap<string, bigint>;
}

/** `NAME=value`, as the environment of the command has it, and no command under another lock. */
export function lockMarker({ leaseId }: Pick<LockFacts, "leaseId">): string {
  return `ETCDLOCKER_LEASE=${leaseId.toString(16)}`;
}

/**
 * The environment of a command: ours, and then the facts of *this* lock, whatever lock we run under ourselves.
 * Of several locks, the first stands for all where
 * there is room for one. `ETCD_LOCK_REV` is what `etcdctl lock` calls the fencing token. `ETCD_LOCK_KEY` is an input, and stays as it is.
 */
export function childEnvironment(ours: Environment, { id, leaseId, tokens }: LockFacts): NodeJS.ProcessEnv {
  const texts = [...tokens].map(([name, token]) => [name, token.toString()] as const);
  const [[name, token] = ["", ""]] = texts;
  return {
    ...ours,
    ETCD_LOCK_REV: token,
    ETCDLOCKER_KEY: name,
    ETCDLOCKER_ID: id,
    ETCDLOCKER_FENCING_TOKEN: token,
    ETCDLOCKER_FENCING_TOKENS: JSON.stringify(Object.fromEntries(texts)),
    ETCDLOCKER_LEASE: leaseId.toString(16),
  };
}
