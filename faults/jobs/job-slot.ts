import { fileURLToPath } from "node:url";
import { listProcesses } from "../../test/support/process-table.ts";
import { type Program, startProgram } from "../../test/support/programs.ts";
import type { Random } from "../../test/support/random.ts";
import type { Recorder } from "../history/recorder.ts";
import type { WitnessJob } from "./witness-job.ts";

/** How a command is run under a lock, and who is judged for it. */
export interface JobKind {
  readonly title: string;
  readonly family: "own" | "foreign";
  /** Program and words, up to the command. */
  readonly commandLine: (name: string) => readonly string[];
}

export interface JobSlotOptions {
  readonly kind: JobKind;
  readonly names: readonly string[];
  readonly ttlSeconds: number;
  readonly history: string;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Why a run ended, in a word: what we did to it. */
export type Violence = "killed" | "frozen" | "thawed";

const witness = fileURLToPath(new URL("./witness.js", import.meta.url));
const restMs = 150;
/** A run that takes longer than any fault is stuck. */
const runLimitMs = 180_000;

/** One after the other, runs of a command under a lock. */
export class JobSlot {
  readonly #options: JobSlotOptions;
  readonly #who: string;
  #number = 0;
  #current: { readonly program: Program; readonly who: string } | undefined;
  #isDraining = false;
  readonly #over: Promise<void>;

  constructor(who: string, options: JobSlotOptions) {
    this.#who = who;
    this.#options = options;
    this.#over = this.#run();
  }

  /** The process that stands in line or holds the lock, if one runs. */
  get pid(): number | undefined {
    return this.#current?.program.child.exitCode === null ? this.#current.program.pid : undefined;
  }

  /** The process of the command, while it runs. */
  get commandPid(): number | undefined {
    const line = this.#current?.program.lines.find(({ text }) => text.startsWith("inside "));
    return line === undefined ? undefined : Number(line.text.split(" ")[1]);
  }

  /** A process that the locker has started besides the command. */
  get guardianPid(): number | undefined {
    const { pid, commandPid } = this;
    const children = listProcesses().filter(({ parentPid, state }) => parentPid === pid && state !== "Z");
    return children.map((child) => child.pid).find((child) => child !== commandPid);
  }

  /** Sends a signal to the locker itself, and notes it. */
  hurt(signal: NodeJS.Signals, change: Violence): void {
    const { pid } = this;
    const who = this.#current?.who;
    if (pid === undefined || who === undefined) return;
    if (change !== "thawed") this.#options.recorder.write({ kind: "process", who, pid, change });
    this.#current?.program.child.kill(signal);
    if (change === "thawed") this.#options.recorder.write({ kind: "process", who, pid, change });
  }

  /** Begins nothing new. Resolves when what was begun has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#over;
  }

  async kill(): Promise<void> {
    this.#isDraining = true;
    await this.#current?.program.kill();
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    while (!this.#isDraining) {
      await this.#runOnce();
      await new Promise((resolve) => setTimeout(resolve, random.between(0, restMs)));
    }
  }

  async #runOnce(): Promise<void> {
    const { kind, recorder, environment } = this.#options;
    const job = this.#chooseJob();
    const { attempt, name } = job;
    const [program = "", ...words] = kind.commandLine(name);
    const command = [process.execPath, witness];
    const shell = ["bash", "-c", 'set -m; "$0" "$@" & wait $!'];
    recorder.write({ kind: "requested", who: attempt, attempt, names: [name], family: kind.family });
    const run = startProgram(program, [...words, ...(job.makesGroup ? [...shell, ...command] : command)], {
      environment: { ...environment, FAULTS_WITNESS: JSON.stringify(job) },
    });
    run.child.stdin?.end();
    this.#current = { program: run, who: attempt };
    recorder.write({ kind: "process", who: attempt, pid: run.pid, change: "started" });
    const ending = await run.end(runLimitMs).catch(async (error: unknown) => {
      await run.kill();
      return { code: null, signal: String(error) };
    });
    recorder.write({ kind: "process", who: attempt, pid: run.pid, change: "ended" });
    const complaint = run.stderr.trim().slice(0, 300);
    recorder.write({ kind: "ended", attempt, reason: `${ending.signal ?? ending.code} ${complaint}`.trim() });
    this.#current = undefined;
  }

  #chooseJob(): WitnessJob {
    const { random, names, ttlSeconds, history } = this.#options;
    this.#number += 1;
    return {
      attempt: `${this.#who}/${this.#number}`,
      name: random.oneOf(names),
      ttlSeconds,
      history,
      lastsMs: random.chance(0.8) ? random.between(20, ttlSeconds * 60) : random.between(500, ttlSeconds * 1_200),
      ignoresTerm: random.chance(0.25),
      forks: random.chance(0.35),
      closesStreams: random.chance(0.15),
      makesGroup: random.chance(0.15),
    };
  }
}
