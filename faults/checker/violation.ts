/** What has to hold, as the issue numbers it. */
export const invariants = {
  1: "no two that heed their locks are inside at once, commands and their descendants included",
  2: "fencing tokens grow from holder to holder, and a resource that checks them refuses nobody who is inside",
  3: "who came first is served first",
  4: "when faults have healed, every waiter is served in time",
  5: "every loss is told, once, and in time; without a fault there is none",
  6: "nothing is left behind",
  7: "never more are inside of a shared lock or a semaphore than each of them allows",
} as const;

export type Invariant = keyof typeof invariants;

/** Something that must not be. */
export interface Violation {
  readonly invariant: Invariant;
  /** When it was so, by the clock of the history. */
  readonly at: number;
  readonly name: string | undefined;
  readonly attempts: readonly string[];
  readonly text: string;
  /** On a machine that was starved, it says nothing: whoever was late may not have been let run. */
  readonly isOfTime: boolean;
}
