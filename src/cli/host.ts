/** The signals that etcdlocker passes on to the command. */
export const passedOnSignals = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** A signal that etcdlocker passes on to the command. */
export type PassedOnSignal = (typeof passedOnSignals)[number];

/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What etcdlocker sees of the process it runs in. Only its entry point touches `process` itself. */
export interface Host {
  /** The name of this machine. */
  readonly name: string;
  readonly pid: number;
  readonly platform: NodeJS.Platform;
  /** The path of Node.js. */
  readonly execPath: string;
  readonly environment: Environment;
  /** Standard input is a terminal. */
  readonly hasTerminalInput: boolean;
  readonly standardOutput: Screen;
  readonly standardError: TextOutput;
  /** Milliseconds of a monotonic clock since this process started. */
  now(): number;
  /** The time of day, for people. */
  date(): Date;
  /** Sends a signal to a process, or to a process group when `pid` is negative. Throws what `process.kill` throws. */
  kill(pid: number, signal: NodeJS.Signals | 0): void;
  /** Writes `question` to standard error, and resolves to the line that is typed; empty at the end of input. */
  ask(question: string): Promise<string>;
  /** Calls `listener` for each {@link passedOnSignals} that arrives, in place of what they do otherwise. */
  onSignal(listener: (signal: PassedOnSignal) => void): void;
  /** At Ctrl-Z, calls `leave` before this process is stopped, and `comeBack` when it goes on. */
  onSuspend(leave: () => void, comeBack: () => void): void;
}

/** Where what was asked for goes. */
export interface Screen extends TextOutput {
  /** The height of the terminal, at this moment. */
  readonly rows: number;
  /** Calls `listener` when the terminal has another size. */
  onResize(listener: () => void): void;
}

/** Where text for people goes. Writing never fails, and is done when `write` returns. */
export interface TextOutput {
  readonly isTerminal: boolean;
  /** The width of the terminal, at this moment. */
  readonly columns: number;
  write(text: string): void;
}
