import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Recorder } from "../history/recorder.ts";
import type { WorkerJob, WorkerOrder } from "../worker/worker-job.ts";

const program = fileURLToPath(new URL("../worker/worker.js", import.meta.url));
/** So few files may it open that they can be used up. */
const mostDescriptors = 256;
const outputLimit = 4_000;

/** One client process. */
export class WorkerProcess {
  readonly who: string;
  readonly #child: ChildProcess;
  readonly #recorder: Recorder;
  readonly #ended: Promise<void>;
  #isExpected = false;
  #output = "";

  constructor(job: WorkerJob, recorder: Recorder, environment: NodeJS.ProcessEnv) {
    this.who = job.who;
    this.#recorder = recorder;
    const shell = `ulimit -n ${mostDescriptors}; exec "$0" "$@"`;
    this.#child = spawn("sh", ["-c", shell, process.execPath, program, JSON.stringify(job)], {
      env: environment,
      stdio: ["pipe", "pipe", "pipe"],
    });
    // It may have been killed.
    this.#child.stdin?.on("error", () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (text) => {
        this.#output = (this.#output + text).slice(-outputLimit);
      });
    }
    this.#ended = this.#untilEnded();
    this.#note("started");
  }

  /** Tells it to do something, or to undergo something. */
  tell(order: WorkerOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  freeze(): void {
    this.#note("frozen");
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
    this.#note("thawed");
  }

  async kill(): Promise<void> {
    this.#isExpected = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#note("killed");
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Has it finish what it began. Resolves when it has ended. */
  async drain(): Promise<void> {
    this.tell({ kind: "drain" });
    this.#isExpected = true;
    await this.#ended;
  }

  async #untilEnded(): Promise<void> {
    const [code, signal] = await once(this.#child, "exit");
    this.#note("ended");
    if (this.#isExpected && (code === 0 || signal === "SIGKILL")) return;
    const what = `${this.who} ended by itself (${signal ?? code}): ${this.#output.trim()}`;
    this.#recorder.write({ kind: "leftover", what, isOfTime: false });
  }

  #note(change: "started" | "killed" | "frozen" | "thawed" | "ended"): void {
    this.#recorder.write({ kind: "process", who: this.who, pid: this.#child.pid ?? 0, change });
  }
}
