import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { guardianScript } from "./guardian-script.ts";
import type { Host } from "./host.ts";
import type { SharedSession } from "./process-group.ts";

/**
 * What a guardian is told, each on a line of its own:
 *
 * - `deadline MS`: kill the command at this instant of the boot clock. A later line replaces it.
 * - `spawning MARKER`: the command is about to be started, with this in its environment.
 * - `leader PID`: it has been started, as this process.
 * - `done`: there is nothing to guard any more; end.
 *
 * When the pipe ends without `done`, etcdlocker is gone, and the command is killed at once.
 */
export type GuardianOrder = `deadline ${number}` | `spawning ${string}` | `leader ${number}` | "done";

/** How a guardian can be made: by the shell, which is lighter, or by Node.js, which is always there. */
export type GuardianKind = "shell" | "node";

/** How a guardian ended. */
export type GuardianEnd = "dismissed" | "killed-the-command" | "died";

const killedAtDeadline = 10;
const readyLimitMs = 10_000;
const goneLimitMs = 1_000;

/**
 * One process in a session of its own, which kills a command when etcdlocker is gone, and when it does not put off the
 * deadline in time. It is joined to us by its standard input, and holds nothing else of ours open.
 */
export class GuardianProcess {
  /** Resolves when it has ended, in whatever way. */
  readonly ended: Promise<GuardianEnd>;
  readonly #child: ChildProcess;
  #isDismissed = false;

  /** Resolves when the guardian is ready; rejects when it cannot be started, or `signal` aborts. */
  static async start(
    host: Host,
    kind: GuardianKind,
    shared: SharedSession | undefined,
    signal?: AbortSignal,
  ): Promise<GuardianProcess> {
    const words = shared === undefined ? ["own"] : ["shared", String(shared.session ?? ""), String(shared.self)];
    const guardian = new GuardianProcess(startProcess(host, kind, words));
    try {
      await guardian.#untilReady(signal);
      return guardian;
    } catch (error) {
      guardian.#child.kill("SIGKILL");
      throw error;
    }
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once("error", () => resolve("died"));
      child.once("exit", (code) => resolve(this.#judge(code)));
    });
    // A guardian that is gone is noticed by its end.
    child.stdin?.on("error", () => undefined);
  }

  /** Its process id. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  tell(order: GuardianOrder): void {
    this.#child.stdin?.write(`${order}\n`);
  }

  /** Lets it go, and resolves when it has ended. */
  async dismiss(): Promise<void> {
    this.#isDismissed = true;
    this.tell("done");
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), goneLimitMs);
    await this.ended;
    clearTimeout(limit);
  }

  #judge(code: number | null): GuardianEnd {
    if (this.#isDismissed) return "dismissed";
    return code === killedAtDeadline ? "killed-the-command" : "died";
  }

  #untilReady(signal: AbortSignal | undefined): Promise<void> {
    const child = this.#child;
    let stopWaiting = (): void => {};
    const ready = new Promise<void>((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`it was not ready within ${readyLimitMs} ms`)), readyLimitMs);
      const abort = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", abort);
      stopWaiting = () => {
        clearTimeout(limit);
        signal?.removeEventListener("abort", abort);
      };
      child.once("error", reject);
      child.once("exit", (code, name) => reject(new Error(`it ended at once (${name ?? `exit code ${code}`})`)));
      child.stdout?.once("data", () => {
        child.stdout?.destroy();
        resolve();
      });
    });
    return ready.finally(() => stopWaiting());
  }
}

function startProcess(host: Host, kind: GuardianKind, words: readonly string[]): ChildProcess {
  const program = kind === "shell" ? "bash" : host.execPath;
  const first =
    kind === "shell"
      ? ["--noprofile", "--norc", "-c", 'eval "$ETCDLOCKER_GUARDIAN"', "etcdlocker-guardian"]
      : [fileURLToPath(new URL("./guardian-program.js", import.meta.url))];
  return spawn(program, [...first, ...words], {
    ...(kind === "shell" && { argv0: "etcdlocker-guardian" }),
    cwd: "/",
    detached: true,
    // Nothing of ours: no BASH_ENV, no NODE_OPTIONS, and no marker of a lock that we run under ourselves.
    env: {
      PATH: host.environment.PATH,
      LC_ALL: "C",
      ...(kind === "shell" && { ETCDLOCKER_GUARDIAN: guardianScript }),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
}
