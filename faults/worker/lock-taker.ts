/** What somebody wants. */
export interface Wish {
  readonly names: readonly string[];
  readonly mode: "exclusive" | "shared";
  readonly permits: number;
  /** With the class `Lock` of 1.x. */
  readonly isClassic: boolean;
  /** Gives up when it must wait. */
  readonly isImpatient: boolean;
  readonly signal: AbortSignal;
  readonly onWaiting: (name: string, key: string) => void;
}

/** One lock that was taken. */
export interface TakenLock {
  readonly name: string;
  readonly token: string;
  readonly limit: number | null;
  readonly key: string | undefined;
  readonly createRevision: string | undefined;
  /** Whether its owner believes to be inside, right now. */
  isInside(): boolean;
  /** Has `listener` called each time a loss is told. */
  onLost(listener: (reason: string) => void): void;
  /** Whether it was held until then. */
  release(): Promise<boolean>;
}

/** A way to take locks. */
export interface LockTaker {
  /** `null` when they are not to be had now, and the wish is an impatient one. */
  take(wish: Wish): Promise<readonly TakenLock[] | null>;
  close(): Promise<void>;
}
