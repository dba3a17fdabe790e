import type { EtcdClient } from "../etcd/etcd-client.ts";
import type { Session } from "../session/session.ts";
import { type Admission, type Application, type Entry, entryKey } from "./entry.ts";

/** An exclusive waiter of this process, which can be admitted by whoever leaves just ahead of it. */
export interface Successor {
  readonly entry: Entry;
  /** Its hold record has been written on its behalf. */
  admit(admission: Admission): void;
  /** Whoever was just ahead is so no more, or is not to be relied on: it has to look for itself. */
  look(): void;
}

const successors = new WeakMap<EtcdClient, Map<string, Successor>>();

/** Says that `successor` stands in line just behind the entry with `keyAhead`. Returns what takes that back. */
export function standBehind(keyAhead: string, successor: Successor): () => void {
  const { client } = successor.entry.session;
  const byKeyAhead = successors.get(client) ?? new Map<string, Successor>();
  successors.set(client, byKeyAhead);
  byKeyAhead.set(keyAhead, successor);
  return () => {
    if (byKeyAhead.get(keyAhead) === successor) byKeyAhead.delete(keyAhead);
  };
}

/** Who stands just behind the entry with `key`, if it is one of this client's. */
export function successorOf(client: EtcdClient, key: string): Successor | undefined {
  return successors.get(client)?.get(key);
}

/** The place has been left, or it is not known whether it has. `isClean`: {@link Session.returnCleanSuffix}. */
export function giveBackPlace(session: Session, place: Application, isClean = false): void {
  if (isClean) session.returnCleanSuffix(place.suffix, place.line.entries.key);
  else session.returnSuffix(place.suffix);
  successorOf(session.client, entryKey(place))?.look();
}
