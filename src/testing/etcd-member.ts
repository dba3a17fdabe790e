import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { EtcdTls } from "./certificates.ts";
import { isPortFree } from "./free-ports.ts";
import { isReady } from "./member-status.ts";
import { TetheredProcess } from "./tethered-process.ts";

const startLimitMs = 30_000;
const readinessIntervalMs = 50;
const logTailLines = 15;

/** As etcd, and every program in Go, says it. */
const portTaken = "address already in use";

/** How a member is run. */
export interface EtcdMemberSettings {
  readonly name: string;
  /** `host:port` for clients. */
  readonly endpoint: string;
  /** What a client needs; `undefined` when the member speaks to clients without TLS. */
  readonly tls: EtcdTls | undefined;
  readonly program: string;
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** etcd's own data. */
  readonly dataFolder: string;
  readonly logFile: string;
  /** Folder to remove when this process dies before the member; empty for none. */
  readonly ownFolder: string;
}

/** A member could not be started. `log` is the end of what it wrote, if it came so far. */
export class EtcdStartError extends Error {
  override readonly name = "EtcdStartError";
  readonly log: string;

  constructor(message: string, log: string) {
    super(`${message}:\n${log}`);
    this.log = log;
  }

  /** Somebody else listens on one of the member's ports. */
  get isPortTaken(): boolean {
    return this.log.includes(portTaken);
  }
}

/** One etcd server process, which can be ended, frozen and started again. */
export class EtcdMember {
  /** The member's name in its cluster. */
  readonly name: string;
  /** Where clients reach it: `127.0.0.1:port`, also with TLS. The same after every start. */
  readonly endpoint: string;
  readonly #settings: EtcdMemberSettings;
  #process: TetheredProcess | undefined;
  #paused = false;

  constructor(settings: EtcdMemberSettings) {
    this.name = settings.name;
    this.endpoint = settings.endpoint;
    this.#settings = settings;
  }

  /** The process id of the server itself. Throws when it is not running. */
  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error(`etcd member ${this.name} is not running`);
    return pid;
  }

  /** Whether the process runs; also `true` while it is paused. */
  get isRunning(): boolean {
    return this.#process?.pid !== undefined;
  }

  /** Whether {@link pause} froze it. */
  get isPaused(): boolean {
    return this.isRunning && this.#paused;
  }

  /**
   * Starts the process, with the data and the ports it had, and resolves when it carries out linearizable reads, which
   * takes a majority of the cluster: after the loss of a majority, start several at once. Rejects with
   * {@link EtcdStartError} when the process ends, and after 30 s.
   */
  async start(): Promise<void> {
    if (this.isRunning) throw new Error(`etcd member ${this.name} is already running`);
    await mkdir(dirname(this.#settings.logFile), { recursive: true });
    // Whoever listens there already, perhaps another etcd, would answer in its place.
    if (!(await isPortFree(Number(this.endpoint.split(":")[1])))) {
      throw new EtcdStartError(`etcd member ${this.name} cannot start`, `${this.endpoint}: ${portTaken}`);
    }
    const deadline = performance.now() + startLimitMs;
    this.#paused = false;
    const started = new TetheredProcess({ ...this.#settings, folder: this.#settings.ownFolder });
    this.#process = started;
    while (!(await isReady(this.#settings, 1_000)) || started.ending !== undefined) {
      if (started.ending !== undefined) throw this.#startError(`ended with ${started.ending}; the end of its log`);
      if (performance.now() > deadline) {
        await this.kill();
        throw this.#startError(`was not ready within ${startLimitMs / 1_000} s; the end of its log`);
      }
      await delay(readinessIntervalMs);
    }
  }

  /** Ends the process by `signal`, by default at once, and resolves when it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#process?.signal(signal);
    await this.#process?.ended();
  }

  /** Freezes the process (SIGSTOP): its connections stay open, and nothing answers. */
  pause(): void {
    process.kill(this.pid, "SIGSTOP");
    this.#paused = true;
  }

  /** Lets a frozen process go on (SIGCONT). */
  resume(): void {
    process.kill(this.pid, "SIGCONT");
    this.#paused = false;
  }

  /**
   * Removes the data of a member that was killed: its next start is an empty one, with the same cluster id. Members of
   * a larger cluster can start empty only all together.
   */
  async wipe(): Promise<void> {
    if (this.isRunning) throw new Error(`etcd member ${this.name} is running: kill it before its data is wiped`);
    await rm(this.#settings.dataFolder, { recursive: true, force: true });
  }

  #startError(what: string): EtcdStartError {
    const log = readFileSync(this.#settings.logFile, "utf8").trimEnd().split("\n").slice(-logTailLines).join("\n");
    return new EtcdStartError(`etcd member ${this.name} (${this.#settings.program}) ${what}`, log);
  }
}
