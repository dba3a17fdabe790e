/** What a command under a lock is to do: in its environment, as JSON. */
export interface WitnessJob {
  readonly attempt: string;
  readonly name: string;
  readonly ttlSeconds: number;
  /** The folder for its history. */
  readonly history: string;
  readonly lastsMs: number;
  readonly ignoresTerm: boolean;
  /** Starts a descendant, and ends without waiting for it. */
  readonly forks: boolean;
  readonly closesStreams: boolean;
  /** Runs in a process group that a shell's job control makes. */
  readonly makesGroup: boolean;
}
