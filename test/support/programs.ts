import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { within } from "./eventually.ts";

const waitLimitMs = 20_000;

/** What a program left running may hold its output open: so long do we wait for the rest after its end. */
const outputGraceMs = 300;

/** How to start a program. */
export interface ProgramOptions {
  /** Environment variables on top of ours; `undefined` removes one. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
  /** A process group of its own, so that {@link Program.signalGroup} reaches what it starts, and nothing else. */
  readonly ownGroup?: boolean;
  /** Adds a channel for messages, as `child_process.fork()` does. */
  readonly ipc?: boolean;
}

/** One line that a program wrote. */
export interface OutputLine {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** When it arrived here: `performance.now()`. */
  readonly at: number;
}

/** How a program ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** When we learned of it: `performance.now()`. */
  readonly at: number;
}

const running = new Set<Program>();
process.on("exit", () => {
  for (const program of running) program.sendKill();
});
// The test runner ends a file that takes too long by SIGTERM, which alone would leave the programs behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    const isForOthers = process.listenerCount(signal) > 0;
    if (!isForOthers) process.exit(1);
  });
}

/** Starts `program`, looked up on `PATH`, with `words` as they are: there is no shell. It is killed when we end. */
export function startProgram(program: string, words: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(program, words, options);
}

/** A real child process whose output is collected. Its standard input is a pipe. */
export class Program {
  /** The child process, for standard input and messages. */
  readonly child: ChildProcess;
  /** All lines so far, in order of arrival. */
  readonly lines: OutputLine[] = [];
  /** How it ended, after its output. Rejects when it could not be started. */
  readonly ended: Promise<Ending>;
  readonly #title: string;
  readonly #hasOwnGroup: boolean;
  readonly #news: EventEmitter = new EventEmitter();

  constructor(program: string, words: readonly string[], options: ProgramOptions) {
    this.#title = [program, ...words].join(" ");
    this.#hasOwnGroup = options.ownGroup ?? false;
    this.#news.setMaxListeners(0);
    this.child = spawn(program, words, {
      cwd: options.folder,
      detached: this.#hasOwnGroup,
      env: { ...process.env, ...options.environment },
      stdio: ["pipe", "pipe", "pipe", options.ipc ? "ipc" : "ignore"],
    });
    // It may end before it has read all of its input.
    this.child.stdin?.on("error", () => undefined);
    const outputs = [this.#collect("stdout"), this.#collect("stderr")];
    this.ended = this.#awaitEnd(outputs);
    this.ended.catch(() => undefined);
    running.add(this);
  }

  /** The process id. Throws when the program could not be started. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`Not started: ${this.#title}`);
    return this.child.pid;
  }

  /** Everything on standard output so far; every line ends in a newline. */
  get stdout(): string {
    return this.#textOf("stdout");
  }

  /** Everything on standard error so far; every line ends in a newline. */
  get stderr(): string {
    return this.#textOf("stderr");
  }

  /** Sends a signal to the process alone. Throws, with its output, when it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (!this.child.kill(signal)) throw new Error(`Has ended before ${signal}. ${this.#story()}`);
  }

  /** Sends a signal to the whole group of a program with `ownGroup`, as a terminal does. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /**
   * The first line that matches, whether it is there already or still to come. Rejects when the program ends without
   * it, and after `limitMs`; the message shows all output.
   */
  async line(pattern: RegExp, limitMs: number = waitLimitMs): Promise<OutputLine> {
    const find = () => this.lines.find(({ text }) => pattern.test(text));
    const found = find() ?? (await this.#await(`a line like ${pattern}`, limitMs, this.#nextLine(find)));
    if (found === undefined) throw new Error(`It ended without a line like ${pattern}. ${this.#story()}`);
    return found;
  }

  /** How it ended. Rejects after `limitMs`; the message shows all output. */
  end(limitMs: number = waitLimitMs): Promise<Ending> {
    return this.#await("its end", limitMs, this.ended);
  }

  /** Kills it, with its group when it has one of its own, and resolves when it has ended. */
  async kill(): Promise<void> {
    this.sendKill();
    await this.ended.catch(() => undefined);
  }

  /** Sends SIGKILL to it and to its own group, if any, also when only the rest of the group is left. */
  sendKill(): void {
    if (this.child.pid === undefined) return;
    if (!this.#hasOwnGroup) {
      this.child.kill("SIGKILL");
      return;
    }
    try {
      process.kill(-this.child.pid, "SIGKILL");
    } catch {
      // Nobody is left in the group.
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  async #collect(stream: OutputLine["stream"]): Promise<void> {
    const output = this.child[stream];
    if (output === null) return;
    const lines = createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on("line", (text) => {
      this.lines.push({ stream, text, at: performance.now() });
      this.#news.emit("news");
    });
    await once(lines, "close");
  }

  async #awaitEnd(outputs: readonly Promise<void>[]): Promise<Ending> {
    try {
      const [code, signal] = await once(this.child, "exit");
      const at = performance.now();
      const settled = new AbortController();
      await Promise.race([
        Promise.all(outputs),
        delay(outputGraceMs, undefined, { signal: settled.signal }).catch(() => undefined),
      ]);
      settled.abort();
      return { code, signal, at };
    } finally {
      if (!this.#hasOwnGroup) running.delete(this);
      this.#news.emit("news");
    }
  }

  /** `undefined` when the program ended first. */
  async #nextLine(find: () => OutputLine | undefined): Promise<OutputLine | undefined> {
    let isOver = false;
    const over = () => {
      isOver = true;
      this.#news.emit("news");
    };
    this.ended.then(over, over);
    for (;;) {
      const found = find();
      if (found !== undefined || isOver) return found;
      await once(this.#news, "news");
    }
  }

  async #await<Value>(what: string, limitMs: number, promise: Promise<Value>): Promise<Value> {
    try {
      return await within(limitMs, what, promise);
    } catch (error) {
      throw new Error(`Waited for ${what} in vain. ${this.#story()}`, { cause: error });
    }
  }

  #textOf(stream: OutputLine["stream"]): string {
    return this.lines.map((line) => (line.stream === stream ? `${line.text}\n` : "")).join("");
  }

  #story(): string {
    const output = this.lines.map(({ stream, text }) => `  ${stream}: ${text}`);
    return [`${this.#title} (process ${this.child.pid}) wrote:`, ...output].join("\n");
  }
}
