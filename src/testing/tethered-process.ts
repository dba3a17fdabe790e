import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";

/**
 * Becomes the program (`exec`, so that the process id is the program's), after forking a guard that reads from the
 * tether, a pipe to us. A line means that the program has ended; the end of the pipe means that we have, in whatever
 * way, also by SIGKILL: then the guard kills the program and removes its folder, and the parent folder if it is empty.
 */
const tetheredShell = `
  folder=$1; shift
  ( trap '' HUP INT TERM
    read -r ended <&3 && exit
    kill -9 $$
    [ -n "$folder" ] && rm -rf -- "$folder" && rmdir -- "\${folder%/*}"
  ) 2>/dev/null &
  exec 3<&-
  exec "$@"
`;

/** What to run on a tether. */
export interface TetheredCommand {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** File to which standard output and standard error are appended. */
  readonly logFile: string;
  /** Folder to remove when this process dies before the program; empty for none. */
  readonly folder: string;
}

/**
 * A program that cannot outlive this process, and does not keep it alive. It has a session of its own: what is typed
 * at the terminal does not reach it.
 */
export class TetheredProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #ending: string | undefined;

  constructor(command: TetheredCommand) {
    const log = openSync(command.logFile, "a");
    this.#child = spawn("/bin/sh", ["-c", tetheredShell, "sh", command.folder, command.program, ...command.words], {
      detached: true,
      env: command.environment,
      stdio: ["ignore", log, log, "pipe"],
    });
    closeSync(log);
    this.#exited = once(this.#child, "exit");
    const tether = this.#child.stdio[3];
    if (!(tether instanceof Socket)) throw new Error(`${command.program} could not be tethered`);
    tether.on("error", () => tether.destroy());
    tether.unref();
    this.#child.unref();
    this.#child.once("exit", (code, signal) => {
      this.#ending = signal ?? `exit code ${code}`;
      tether.end("ended\n");
    });
  }

  /** The program's own process id; `undefined` once it has ended. */
  get pid(): number | undefined {
    return this.#ending === undefined ? this.#child.pid : undefined;
  }

  /** How it ended, in words; `undefined` while it runs. */
  get ending(): string | undefined {
    return this.#ending;
  }

  /** Sends `signal`. Nothing happens when the program has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) this.#child.kill(signal);
  }

  /** Resolves when the program has ended, however. Keeps this process alive meanwhile. */
  async ended(): Promise<void> {
    this.#child.ref();
    await this.#exited;
  }
}
