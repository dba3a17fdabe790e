import type { Mutation } from "../support/mutant.ts";
import type { Invariant } from "./violation.ts";

/** One way to break the protocol. */
export interface ProtocolMutation extends Mutation {
  /** What it must be caught by. */
  readonly violates: readonly Invariant[];
}

export const mutations: readonly ProtocolMutation[] = [
  {
    what: "trusts the lease's keepalive, and does not touch",
    file: "session/renewal.js",
    from: "await touchHolds(client, holds, context, options);",
    to: "for (const hold of holds) hold.onTouched(startedAt);",
    violates: ["exclusion"],
  },
  {
    what: "takes no notice of orphans",
    file: "line/turn.js",
    from: "ledger.outlivedAt(orphan) <= now",
    to: "ledger.outlivedAt(orphan) <= Infinity",
    violates: ["exclusion"],
  },
  {
    what: "outlives an orphan in half the time",
    file: "session/deadline.js",
    from: "return ttlSeconds * 1_000 + clockMarginMs(ttlSeconds);",
    to: "return (ttlSeconds * 1_000 + clockMarginMs(ttlSeconds)) / 2;",
    violates: ["exclusion"],
  },
  {
    what: "does not look at the deadline when asked whether it holds",
    file: "held-lock.js",
    from: "this.#clock.now() < this.#hold.deadline",
    to: "this.#clock.now() > 0",
    violates: ["exclusion"],
  },
  {
    what: "takes its turn without asking whether somebody is ahead",
    file: "line/confirm-admission.js",
    from: "return [noneOlderThan(entries.key, entries.rangeEnd, createRevision), createdAt(records.key, 0n, records.rangeEnd)];",
    to: "return [];",
    violates: ["admission", "exclusion"],
  },
  {
    what: "takes its turn without asking whether its own entry is still there",
    file: "line/confirm-admission.js",
    from: "writtenAt(entryKey(entry), entry.modRevision),",
    to: "",
    violates: ["admission", "exclusion"],
  },
  {
    what: "enters an empty line without asking whether a hold record is left",
    file: "line/enter-lines.js",
    from: "createdAt(records.key, 0n, records.rangeEnd),",
    to: "",
    violates: ["admission", "exclusion"],
  },
  {
    what: "takes the hold record of an earlier place for its own",
    file: "line/wait-for-turn.js",
    from: "isOurs && createRevision > this.#outside.revision",
    to: "isOurs",
    violates: ["tokens", "exclusion"],
  },
  {
    what: "releases by name",
    file: "line/leave-lines.js",
    from: "return [isAsWeLeftIt(place)];",
    to: "return [[]];",
    violates: ["foreign"],
  },
];
