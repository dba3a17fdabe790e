import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { nowMs } from "./monotonic.ts";
import type { Command, Report } from "./protocol.ts";
import { readTurns, type Turn } from "./turns.ts";

/** A program, and its words. */
export type CommandLine = readonly [program: string, ...words: string[]];

/** A run begins so long after it was announced, so that everybody has heard of it, in milliseconds. */
const noticeMs = 30;
/** So much longer than planned a run may take. */
const answerLimitMs = 120_000;
const startLimitMs = 60_000;
/** As many as there are cores: more would only starve each other while they warm up. */
const startedAtOnce = availableParallelism();

/** The processes of one peer in one scenario: started together, told what to do together. */
export class Contestant implements AsyncDisposable {
  readonly #programs: readonly WorkerProgram[];

  private constructor(programs: readonly WorkerProgram[]) {
    this.#programs = programs;
  }

  /** Starts one process for each command line, a few at a time, and resolves when all are ready. */
  static async start(commandLines: readonly CommandLine[]): Promise<Contestant> {
    const programs: WorkerProgram[] = [];
    const waiting = [...commandLines];
    const startSome = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const program = new WorkerProgram(next);
        programs.push(program);
        await program.expect("ready", startLimitMs);
      }
    };
    const contestant = new Contestant(programs);
    try {
      await Promise.all(Array.from({ length: startedAtOnce }, startSome));
      return contestant;
    } catch (error) {
      waiting.length = 0;
      contestant.kill();
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#programs.map(({ pid }) => pid);
  }

  /** Has all processes begin at the same instant, and stop asking after `durationMs`. Resolves with all turns. */
  async run(durationMs: number): Promise<readonly Turn[]> {
    return await this.begin(durationMs).turns;
  }

  /** As {@link run}, and tells when it begins: CLOCK_MONOTONIC in milliseconds. */
  begin(durationMs: number): { readonly atMs: number; readonly turns: Promise<readonly Turn[]> } {
    const atMs = nowMs() + noticeMs + this.#programs.length;
    this.#tell({ kind: "run", atNs: atMs * 1e6, untilNs: (atMs + durationMs) * 1e6 });
    const reports = this.#programs.map(async (program, index) => {
      const { turns = [] } = await program.expect("turns", durationMs + answerLimitMs);
      return readTurns(index, turns);
    });
    return { atMs, turns: Promise.all(reports).then((turns) => turns.flat()) };
  }

  /** Has all processes take `count` locks each, and keep them. */
  async hold(count: number): Promise<void> {
    this.#tell({ kind: "hold", count });
    await Promise.all(this.#programs.map((program) => program.expect("holding", answerLimitMs)));
  }

  /** Ends the processes, and resolves when they have tidied up. */
  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
  }

  /** Ends the processes at once. */
  kill(): void {
    for (const program of this.#programs) program.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #tell(command: Command): void {
    for (const program of this.#programs) program.tell(command);
  }
}

type ReportOf<Kind extends Report["kind"]> = Extract<Report, { kind: Kind }>;

const stopLimitMs = 10_000;

/** One process that speaks the protocol. It ends with us, when its standard input does. */
class WorkerProgram {
  readonly #child: ChildProcess;
  readonly #title: string;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;

  constructor([program, ...words]: CommandLine) {
    this.#title = [program, ...words].join(" ");
    this.#child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.#exited = once(this.#child, "exit").catch(() => undefined);
    // It may have ended: then its answers are what is missed.
    this.#child.stdin?.on("error", () => undefined);
    if (this.#child.stdout === null) throw new Error("standard output is a pipe");
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`not started: ${this.#title}`);
    return this.#child.pid;
  }

  tell(command: Command): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** The next answer. @throws Error when it is another one, or does not come. */
  async expect<Kind extends Report["kind"]>(kind: Kind, limitMs: number): Promise<ReportOf<Kind>> {
    const overdue = setTimeout(() => this.kill(), limitMs);
    const { value, done } = await this.#lines.next();
    clearTimeout(overdue);
    if (done === true) throw new Error(`ended without being asked to, or had no answer in time: ${this.#title}`);
    const report: Report = JSON.parse(value);
    if (report.kind === "failed") throw new Error(`${report.message}\nin ${this.#title}`);
    if (!isOfKind(report, kind)) throw new Error(`answered ${report.kind} instead of ${kind}: ${this.#title}`);
    return report;
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const overdue = setTimeout(() => this.kill(), stopLimitMs);
    await this.#exited;
    clearTimeout(overdue);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function isOfKind<Kind extends Report["kind"]>(report: Report, kind: Kind): report is ReportOf<Kind> {
  return report.kind === kind;
}
