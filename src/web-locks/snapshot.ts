import type { LockMode } from "../held-lock.ts";
import type { Line, LineEntry } from "../line/inspect-line.ts";

/** A lock that somebody holds or waits for. */
export interface LockInfo {
  name: string;
  /** That of a semaphore is `exclusive`. */
  mode: LockMode;
  /**
   * Host, process id and lease (in hexadecimal, as in the etcd keys), separated by `/`: the same for all that one manager
   * holds and waits for at a time with one TTL, and nobody else's. Of somebody who does not say who he is, the lease alone.
   */
  clientId: string;
}

/** Who holds and who waits, as the Web Locks standard tells it. */
export interface LockManagerSnapshot {
  /** In the order in which they were granted. */
  held: LockInfo[];
  /** Name by name, those of one name in the order in which they will be granted. */
  pending: LockInfo[];
}

/** An orphan, of whose owner nobody knows whether he is still inside, counts as held. */
export function takeSnapshot(lines: readonly Line[]): LockManagerSnapshot {
  const entries = lines.flatMap((line) => line.entries.map((entry) => ({ name: line.name, entry })));
  const held = entries.filter(({ entry }) => entry.state !== "waiting");
  held.sort((a, b) => Number(grantedAt(a.entry) - grantedAt(b.entry)));
  return {
    held: held.map(describe),
    pending: entries.filter(({ entry }) => entry.state === "waiting").map(describe),
  };
}

function describe({ name, entry }: { readonly name: string; readonly entry: LineEntry }): LockInfo {
  return { name, mode: entry.limit === Number.POSITIVE_INFINITY ? "shared" : "exclusive", clientId: clientIdOf(entry) };
}

function grantedAt({ fencingToken, createRevision }: LineEntry): bigint {
  return fencingToken ?? createRevision;
}

/** The key is named after the lease that it was made with, also when it has been bound to another since. */
function clientIdOf({ key, host, pid }: LineEntry): string {
  const [, lease = key] = /[/!]([0-9a-f]+)(-[0-9a-z]+)?$/.exec(key) ?? [];
  return host === undefined || pid === undefined ? lease : `${host}/${pid}/${lease}`;
}
