import type { Event, KeyValue } from "#dist/etcd/gen/etcd.js";
import type { Commit, EtcdModel } from "./etcd-model.ts";
import type { HoldLedger } from "./hold-ledger.ts";

/** What the auditor reads of an entry or a record. */
interface Place {
  readonly suffix: string;
  readonly limit: number;
  readonly createRevision: bigint;
}

/**
 * Looks at what is written into the lines, as etcd sees it: whoever is admitted must be let in by everybody who is ahead at
 * that revision. It knows the rule, and nothing of the code that applies it.
 */
export class LineAuditor {
  readonly #model: () => EtcdModel;
  readonly #ledger: HoldLedger;
  admissions = 0;

  constructor(model: () => EtcdModel, ledger: HoldLedger) {
    this.#model = model;
    this.#ledger = ledger;
  }

  audit({ events }: Commit): void {
    for (const event of events) this.#auditEvent(event);
  }

  #auditEvent({ type, kv }: Event): void {
    if (type !== 0 || kv === undefined || kv.version !== 1n) return;
    const [, name, suffix] = /^(.*)!([^/!]+)$/.exec(kv.key.toString("latin1")) ?? [];
    if (name === undefined || suffix === undefined) return;
    this.admissions += 1;
    const { keys } = this.#model();
    const own = keys.get(`${name}/${suffix}`);
    if (own === undefined) {
      this.#ledger.report("admission", `${suffix} is admitted to ${name} without an entry`);
      return;
    }
    // Who is ahead stays ahead when only the record is left.
    const entries = places(keys, `${name}/`);
    const ahead = entries.filter(({ createRevision }) => createRevision < own.createRevision);
    const orphans = places(keys, `${name}!`).filter(
      (record) => !entries.some((entry) => entry.suffix === record.suffix),
    );
    const before = [...ahead, ...orphans.filter(({ createRevision }) => createRevision < own.createRevision)];
    const limits = [...before, ...entries.filter((entry) => entry.suffix === suffix)].map(({ limit }) => limit);
    if (limits.some((limit) => limit < limits.length)) {
      const passed = before.map((place) => `${place.suffix} (limit ${place.limit}, ${place.createRevision})`);
      this.#ledger.report("admission", `${suffix} is admitted to ${name} past ${passed.join(", ")}`);
    }
  }
}

function places(keys: ReadonlyMap<string, KeyValue>, prefix: string): Place[] {
  return [...keys]
    .filter(([key]) => key.startsWith(prefix) && !key.slice(prefix.length).includes("/"))
    .map(([key, keyValue]) => {
      const { limit = 1, place } = readValue(keyValue);
      return {
        suffix: key.slice(prefix.length),
        limit: limit === "unlimited" ? Number.POSITIVE_INFINITY : limit,
        createRevision: place === undefined ? keyValue.createRevision : BigInt(place),
      };
    });
}

/** Somebody else's value says nothing. */
function readValue({ value }: KeyValue): { readonly limit?: number | "unlimited"; readonly place?: string } {
  try {
    return JSON.parse(value.toString());
  } catch {
    return {};
  }
}
