/** One change of the compiled code. */
export interface Mutation {
  /** Path below `dist/`. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** etcd-lock with a fault of its own, as a client could have it: the test has to find it. */
export interface Mutant {
  readonly name: string;
  /** What is wrong with it, in one line. */
  readonly text: string;
  readonly mutations: readonly Mutation[];
  /** Faults that bring it to light soon; others would, too. */
  readonly faults: readonly string[];
}
