import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { findEtcd } from "#dist/testing/index.js";
import { fixture, startEtcdlocker } from "./etcdlocker.ts";
import { within } from "./eventually.ts";
import type { LockSetting } from "./lock-setting.ts";
import { type Program, startProgram } from "./programs.ts";
import { readLine } from "./stored-line.ts";

/** What a contender is started with. */
export interface ContenderOptions {
  /** Seconds; 20 by default, which a busy machine can keep. */
  readonly ttl?: number;
  /** What it takes part in; a lock by default. */
  readonly contest?: "lock" | "elect";
}

/** Somebody who can stand in line, of whatever kind. */
export interface Contender {
  readonly kind: string;
  /** Its process, if it is in one of its own. */
  readonly program?: Program;
  /** Enters the line. Resolves to the fencing token when it holds. */
  enter(): Promise<bigint>;
  /** Gives the lock back, and resolves when it has. */
  leave(): Promise<void>;
  /** Ends, outside of the line, with nothing left behind. */
  end(): Promise<unknown>;
}

/** Starts a contender of some kind, which ends with the test, and resolves when it is ready to enter. */
export interface ContenderKind {
  readonly kind: string;
  start(setting: LockSetting, options?: ContenderOptions): Promise<Contender>;
}

/** How long a turn may be in coming, on a machine that is busy. */
const turnLimitMs = 60_000;
const startLimitMs = 120_000;

/** A process that uses our library. */
export const ourProcess: ContenderKind = {
  kind: "ours",
  start: (setting, options) =>
    startOnCommand("ours", setting, options, (words) => {
      return startProgram(process.execPath, [fixture("contend-on-command"), ...words, "somebody"]);
    }),
};

/** A lock of this process. */
export const ourLock: ContenderKind = {
  kind: "our lock",
  start: async (setting) => {
    const lock = setting.lock({ id: "of this process", ttl: 20 });
    return {
      kind: "our lock",
      enter: async () => {
        await lock.lock();
        return lock.fencingToken ?? 0n;
      },
      leave: () => lock.unlock(),
      end: () => lock[Symbol.asyncDispose](),
    };
  },
};

/** Our command: `etcdlocker`. */
export const ourCommand: ContenderKind = {
  kind: "etcdlocker",
  start: async (setting, { ttl = 20 } = {}) =>
    new CommandContender("etcdlocker", setting, "ETCDLOCKER_FENCING_TOKEN", (command) =>
      startEtcdlocker(setting.cluster.endpoints, [`-t${ttl}`, "-k", setting.key, "--", ...command], { ownGroup: true }),
    ),
};

/** `etcdctl lock`. */
export const etcdctl: ContenderKind = {
  kind: "etcdctl",
  start: async (setting, { ttl = 20 } = {}) =>
    new EtcdctlContender("etcdctl", setting, "ETCD_LOCK_REV", (command) =>
      startProgram(
        findEtcd().etcdctl ?? "etcdctl",
        [`--endpoints=${setting.cluster.endpoints}`, "lock", `--ttl=${ttl}`, setting.key, "--", ...command],
        { ownGroup: true },
      ),
    ),
};

/** Starts a program that does what it is told by lines: see `fixtures/contend-on-command.ts`. */
export async function startOnCommand(
  kind: string,
  setting: LockSetting,
  { ttl = 20, contest = "lock" }: ContenderOptions = {},
  start: (words: readonly string[]) => Program,
): Promise<Contender> {
  const program = start([contest, setting.cluster.endpoints.join(","), setting.key, String(ttl)]);
  setting.onEnd(() => program.kill());
  await program.line(/^ready$/, startLimitMs);
  return new ObedientContender(kind, program);
}

/** A program that may have many turns. */
class ObedientContender implements Contender {
  readonly kind: string;
  readonly program: Program;
  #turn = 0;

  constructor(kind: string, program: Program) {
    this.kind = kind;
    this.program = program;
  }

  async enter(): Promise<bigint> {
    this.#turn += 1;
    this.#tell("enter");
    const { text } = await this.program.line(new RegExp(`^held ${this.#turn} \\d+$`), turnLimitMs);
    return BigInt(text.split(" ")[2] ?? "");
  }

  async leave(): Promise<void> {
    this.#tell("leave");
    await this.program.line(new RegExp(`^left ${this.#turn}( true)?$`), turnLimitMs);
  }

  async end(): Promise<void> {
    this.program.child.stdin?.end();
    assert.equal((await this.program.end()).code, 0, this.program.stderr);
  }

  #tell(command: string): void {
    this.program.child.stdin?.write(`${command} ${this.#turn}\n`);
  }
}

/** A command that runs another one while it holds: one turn, for as long as that runs. */
class CommandContender implements Contender {
  readonly kind: string;
  protected readonly setting: LockSetting;
  readonly #shell: string;
  readonly #start: (command: readonly string[]) => Program;
  #program: Program | undefined;

  constructor(
    kind: string,
    setting: LockSetting,
    tokenVariable: string,
    start: (command: readonly string[]) => Program,
  ) {
    this.kind = kind;
    this.setting = setting;
    this.#shell = `echo "held $${tokenVariable} by $$"; exec sleep 1000`;
    this.#start = start;
  }

  get program(): Program {
    assert.ok(this.#program, `${this.kind} has not entered`);
    return this.#program;
  }

  async enter(): Promise<bigint> {
    const program = this.#start(["sh", "-c", this.#shell]);
    this.#program = program;
    this.setting.onEnd(() => program.kill());
    return BigInt((await this.#holding()).token);
  }

  async leave(): Promise<void> {
    process.kill((await this.#holding()).pid, "SIGTERM");
    await this.end();
  }

  end(): Promise<unknown> {
    return this.program.end();
  }

  async #holding(): Promise<{ token: string; pid: number }> {
    const { text } = await this.program.line(/^held \d+ by \d+$/, turnLimitMs);
    const [, token = "", , pid] = text.split(" ");
    return { token, pid: Number(pid) };
  }
}

class EtcdctlContender extends CommandContender {
  /** It leaves its lease behind, which would stay until it expires. */
  override async leave(): Promise<void> {
    const { cluster, key } = this.setting;
    const [entry] = (await readLine(cluster, key)).entries;
    await super.leave();
    await cluster.etcdctl("lease", "revoke", entry?.lease ?? "");
  }
}

/**
 * Has contenders arrive one after the other, and checks that they hold one after the other, in that order, alone, and with
 * growing tokens.
 */
export async function assertServedInOrder(
  setting: LockSetting,
  kinds: readonly ContenderKind[],
  options: ContenderOptions = {},
): Promise<void> {
  const contenders = await Promise.all(kinds.map((kind) => kind.start(setting, options)));
  const turns: Promise<bigint>[] = [];
  const served: number[] = [];
  for (const [index, contender] of contenders.entries()) {
    const turn = contender.enter();
    turns.push(turn);
    turn.then(
      () => served.push(index),
      () => undefined,
    );
    await setting.lineLength(index + 1);
  }
  let last = 0n;
  for (const [index, contender] of contenders.entries()) {
    const who = `${index}, ${contender.kind}`;
    const token = await within(turnLimitMs, `the turn of ${who}`, turns[index] ?? Promise.resolve(0n));
    // Time for somebody else to come in, who should not.
    await delay(100);
    assert.deepEqual(served, [...contenders.keys()].slice(0, index + 1));
    assert.ok(token > last, `the token of ${who}, is ${token}, after ${last}`);
    last = token;
    await contender.leave();
    await contender.end();
  }
}
