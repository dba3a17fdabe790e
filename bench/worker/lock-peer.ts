/** A lock that was taken. */
export interface Taken {
  /** The fencing token; 0 where there is none. */
  readonly token: number;
  giveBack(): Promise<unknown>;
}

/** What one caller uses, over and over. */
export interface Locker {
  /** Waits for the lock. Those that cannot end a wait ignore the signal. */
  take(signal: AbortSignal): Promise<Taken>;
}

/** A lock service as its users see it: one connection in this process, and any number of lockers. */
export interface LockPeer {
  locker(name: string, caller: number): Locker;
  close(): Promise<unknown>;
}
