import { join } from "node:path";
import type { Random } from "../../test/support/random.ts";
import { historyEnding } from "../history/read-history.ts";
import type { Recorder } from "../history/recorder.ts";
import type { WorkerJob } from "../worker/worker-job.ts";
import { WorkerProcess } from "./worker-process.ts";

/** What the jobs of all workers have in common. */
export type CommonJob = Omit<WorkerJob, "who" | "endpoints" | "seed" | "history">;

export interface WorkersOptions {
  readonly job: CommonJob;
  /** The folder for their histories. */
  readonly history: string;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly environment: NodeJS.ProcessEnv;
}

/** The client processes, one on each machine. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #byMachine = new Map<string, { readonly process: WorkerProcess; readonly endpoints: readonly string[] }>();
  #started = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  get all(): readonly WorkerProcess[] {
    return [...this.#byMachine.values()].map(({ process }) => process);
  }

  start(machine: string, endpoints: readonly string[]): void {
    const { job, history, recorder, random, environment } = this.#options;
    this.#started += 1;
    const who = `${machine}.${this.#started}`;
    const worker = new WorkerProcess(
      { ...job, who, endpoints, seed: random.between(0, 2 ** 32), history: join(history, `${who}${historyEnding}`) },
      recorder,
      environment,
    );
    this.#byMachine.set(machine, { process: worker, endpoints });
  }

  machineOf(worker: WorkerProcess): string {
    const found = [...this.#byMachine].find(([, { process }]) => process === worker);
    if (found === undefined) throw new RangeError(`${worker.who} runs no more`);
    return found[0];
  }

  /** Starts another one in the place of one that was killed. */
  async replace(worker: WorkerProcess): Promise<void> {
    const machine = this.machineOf(worker);
    this.start(machine, this.#byMachine.get(machine)?.endpoints ?? []);
  }

  async drain(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.drain()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.kill()));
  }
}
