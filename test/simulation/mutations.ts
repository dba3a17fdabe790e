import type { Invariant } from "./violation.ts";

/** One way to break the protocol, as a change of the compiled code. */
export interface Mutation {
  /** What the broken code does. */
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** What it must be caught by. */
  readonly violates: readonly Invariant[];
}

export const mutations: readonly Mutation[] = [
  {
    what: "trusts the lease's keepalive, and does not touch",
    file: "session/session.js",
    from: "touchHolds(this.client, this.#holdsToTouch(ofAllHolds), context, options),",
    to: "this.#holdsToTouch(ofAllHolds).map((hold) => hold.onTouched(keepAlive.sentAt)),",
    violates: ["exclusion"],
  },
  {
    what: "takes no notice of orphans",
    file: "line/turn.js",
    from: "ledger.outlivedAt(orphan) <= now",
    to: "ledger.outlivedAt(orphan) <= Infinity",
    violates: ["exclusion"],
  },
];
