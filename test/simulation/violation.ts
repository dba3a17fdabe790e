/** The invariants, each with the words that a report has for it. */
export const invariants = {
  exclusion: "nobody is inside together with somebody who does not tolerate it",
  admission: "nobody is admitted past somebody who is ahead",
  tokens: "fencing tokens grow from holder to holder",
  loss: "a loss is told once, and has a ground",
  foreign: "nothing of others is removed or overwritten",
  liveness: "every waiter is served in the end",
  errors: "a call fails only as its documentation says",
  leftovers: "nothing is left behind",
} as const;

export type Invariant = keyof typeof invariants;

/** An invariant that did not hold. */
export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}
