import type { EtcdClient } from "../etcd/etcd-client.ts";
import { orphanWaitMs } from "../session/deadline.ts";
import type { HoldRecord } from "./line-view.ts";

/** What is assumed of a record that does not say its TTL, in seconds. */
const assumedTtl = 60;

interface Sighting {
  readonly modRevision: bigint;
  readonly seenAt: number;
}

/** Of so many lines a client remembers what those have seen that did not wait. */
const mostRemembered = 1_000;
const memories = new WeakMap<EtcdClient, Map<string, OrphanLedger>>();

/**
 * When a waiter last saw each hold record touched, by its own clock. A record whose entry is gone, an orphan, is
 * outlived when no touch of it has been seen for the TTL it names, plus the clock-rate bound: its owner, whose deadline
 * counts from the *sending* of a touch, is surely past it.
 *
 *     owner    touch sent |-------- TTL - margin --------| deadline
 *     waiter           touch seen |---------- TTL + margin ----------| outlived
 */
export class OrphanLedger {
  #sightings = new Map<string, Sighting>();

  /**
   * For a wait in the line whose hold records begin with `line`. Who tried before with this client, and did not wait, has
   * remembered what it saw: who tries again and again does not begin anew each time.
   */
  static of(client: EtcdClient, line: string): OrphanLedger {
    return memories.get(client)?.get(line) ?? new OrphanLedger();
  }

  /** Remembers what has been seen of `records`, all that there are, for {@link OrphanLedger.of}. */
  remember(client: EtcdClient, line: string, records: readonly HoldRecord[]): void {
    const memory = memories.get(client) ?? new Map<string, OrphanLedger>();
    memories.set(client, memory);
    const keys = new Set(records.map(({ key }) => key));
    this.#sightings = new Map([...this.#sightings].filter(([key]) => keys.has(key)));
    memory.delete(line);
    memory.set(line, this);
    const [oldest] = memory.keys();
    if (memory.size > mostRemembered && oldest !== undefined) memory.delete(oldest);
  }

  /** Notes the records as they are at `now`. */
  observe(records: Iterable<Pick<HoldRecord, "key" | "modRevision">>, now: number): void {
    for (const { key, modRevision } of records) {
      const known = this.#sightings.get(key);
      if (known === undefined || known.modRevision < modRevision)
        this.#sightings.set(key, { modRevision, seenAt: now });
    }
  }

  /** When `record` will have been outlived, by the clock of {@link OrphanLedger.observe}. */
  outlivedAt(record: HoldRecord): number {
    const seenAt = this.#sightings.get(record.key)?.seenAt ?? Number.POSITIVE_INFINITY;
    return seenAt + orphanWaitMs(record.value.ttl ?? assumedTtl);
  }
}
