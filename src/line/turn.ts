import { isAdmitted } from "./admission.ts";
import type { Entry } from "./entry.ts";
import type { HoldRecord, LineView, OtherEntry } from "./line-view.ts";
import type { OrphanLedger } from "./orphan-ledger.ts";

/** What a waiter does about the line as it sees it. */
export type Turn =
  /** Its own entry is not there any more, or not as it left it. */
  | { readonly kind: "gone" }
  /** It may enter, and take away the orphans that it has outlived. */
  | { readonly kind: "admitted"; readonly outlived: readonly HoldRecord[] }
  | {
      readonly kind: "waiting";
      /** The entry just ahead, if there is one. */
      readonly justAhead: OtherEntry | undefined;
      /** Only holders and orphans are ahead. */
      readonly isNext: boolean;
      /** Others wait ahead, and somebody is inside. Between two holders nobody is: then the one ahead may be next. */
      readonly isFarBack: boolean;
      /** When the last of the orphans ahead will have been outlived, if any is ahead. */
      readonly outlivedAt: number | undefined;
    };

/** Applies the admission rule to a view of the line. */
export function judgeTurn(entry: Entry, view: LineView, ledger: OrphanLedger, now: number): Turn {
  if (view.own?.modRevision !== entry.modRevision) return { kind: "gone" };
  const ahead = view.others.filter(({ createRevision }) => createRevision < entry.createRevision);
  const orphans = orphansOf(entry, view);
  const outlived = orphans.filter((orphan) => ledger.outlivedAt(orphan) <= now);
  const blocking = orphans.filter((orphan) => !outlived.includes(orphan) && isAheadOf(entry, orphan));
  if (isAdmitted([...blocking.map(({ value }) => value), ...ahead], entry.value)) return { kind: "admitted", outlived };
  const justAhead = ahead.at(-1);
  const isNext = justAhead === undefined || view.records.some(({ suffix }) => suffix === justAhead.suffix);
  return {
    kind: "waiting",
    justAhead,
    isNext,
    isFarBack: !isNext && view.records.length > 0,
    outlivedAt: blocking.length === 0 ? undefined : Math.max(...blocking.map((orphan) => ledger.outlivedAt(orphan))),
  };
}

function orphansOf(entry: Entry, { others, records }: LineView): readonly HoldRecord[] {
  const present = new Set(others.map(({ suffix }) => suffix)).add(entry.suffix);
  return records.filter(({ suffix }) => !present.has(suffix));
}

/**
 * Whoever was admitted behind us counted us. A record that does not say its place was admitted at once, into an empty
 * line, so before us; or its value was spoilt, and then it counts as ahead to be safe.
 */
function isAheadOf(entry: Entry, { value }: HoldRecord): boolean {
  return value.place === undefined || value.place < entry.createRevision;
}
