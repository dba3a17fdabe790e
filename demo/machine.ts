import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { etcdlockerPath } from "../test/support/etcdlocker.ts";
import { isAlive } from "../test/support/process-table.ts";
import { type Ending, type Program, startProgram } from "../test/support/programs.ts";

const backup = fileURLToPath(new URL("../../demo/backup.sh", import.meta.url));

const stepsPerSecond = 5;

/** What the machines of the demo have in common. */
export interface Setting {
  readonly endpoint: string;
  readonly lockName: string;
  readonly ttlSeconds: number;
  /** The file that every command writes to. */
  readonly ledger: string;
}

/** A command that has begun to run under the lock. */
export interface RunningCommand {
  readonly pid: number;
  readonly fencingToken: string;
  /** When it said so: `performance.now()`. */
  readonly at: number;
}

/** What was seen of a machine, and when: `performance.now()`. */
export interface Sightings {
  waitingAt?: number;
  runningAt?: number;
  stoppedAt?: number;
  /** How its command ended, in a word. */
  ending?: "done" | "killed" | "lost";
}

/** One machine that wants to run the backup: an etcdlocker process with a command under it. */
export class Machine {
  readonly name: string;
  readonly seen: Sightings = {};
  readonly #program: Program;
  #command: RunningCommand | undefined;

  /** Starts etcdlocker with a command that takes `seconds`. */
  constructor(name: string, setting: Setting, seconds: number) {
    this.name = name;
    const { endpoint, lockName, ttlSeconds, ledger } = setting;
    const options = ["-e", endpoint, "-k", lockName, "-t", String(ttlSeconds), "-i", name];
    const command = ["sh", backup, ledger, String(seconds * stepsPerSecond)];
    // A group of its own: Ctrl-C is for the demo, which then ends everything in order.
    this.#program = startProgram(process.execPath, [etcdlockerPath, ...options, "--", ...command], {
      ownGroup: true,
      environment: Object.fromEntries(etcdLockVariables().map((variable) => [variable, undefined])),
    });
    this.#program.child.stdin?.end();
  }

  /** What etcdlocker has written to standard error. */
  get complaints(): string[] {
    return this.#program.lines.filter(({ stream }) => stream === "stderr").map(({ text }) => text);
  }

  /** Resolves when the command runs. */
  async running(): Promise<RunningCommand> {
    const { text, at } = await this.#program.line(/^runs \d+ \d+$/);
    const [, pid = "", fencingToken = ""] = text.split(" ");
    this.#command = { pid: Number(pid), fencingToken, at };
    this.seen.runningAt = at;
    return this.#command;
  }

  /** Resolves when the command has finished its work, to when it said so. */
  async finished(): Promise<number> {
    const { at } = await this.#program.line(/^done$/);
    Object.assign(this.seen, { stoppedAt: at, ending: "done" } satisfies Sightings);
    return at;
  }

  /** Resolves when the process of the command is gone, to when that was seen. */
  async commandGone(ending: "killed" | "lost"): Promise<number> {
    while (this.#command !== undefined && isAlive(this.#command.pid)) await delay(2);
    const stoppedAt = performance.now();
    Object.assign(this.seen, { stoppedAt, ending } satisfies Sightings);
    return stoppedAt;
  }

  /** Resolves when etcdlocker has ended. */
  ended(): Promise<Ending> {
    return this.#program.end();
  }

  /** SIGKILL to etcdlocker alone: what a crash or the kernel's out-of-memory killer does. */
  crash(): void {
    this.#program.signal("SIGKILL");
  }

  /** Asks etcdlocker to end, with its command, and resolves when both have; after a few seconds, kills them. */
  async leave(): Promise<void> {
    this.#program.child.kill("SIGTERM");
    await Promise.race([this.#program.ended, delay(4_000, undefined, { ref: false })]).catch(() => undefined);
    await this.#program.kill();
  }
}

/** Settings of whoever runs the demo are not meant for it. */
function etcdLockVariables(): string[] {
  return Object.keys(process.env).filter((variable) => /^ETCD_?LOCK/.test(variable));
}
