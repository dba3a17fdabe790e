import { orphanWaitMs } from "../session/deadline.ts";
import type { HoldRecord } from "./line-view.ts";

/** What is assumed of a record that does not say its TTL, in seconds. */
const assumedTtl = 60;

interface Sighting {
  readonly modRevision: bigint;
  readonly seenAt: number;
}

/**
 * When a waiter last saw each hold record touched, by its own clock. A record whose entry is gone, an orphan, is
 * outlived when no touch of it has been seen for the TTL it names, plus the clock-rate bound: its owner, whose deadline
 * counts from the *sending* of a touch, is surely past it.
 *
 *     owner    touch sent |-------- TTL - margin --------| deadline
 *     waiter           touch seen |---------- TTL + margin ----------| outlived
 */
export class OrphanLedger {
  readonly #sightings = new Map<string, Sighting>();

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
