import { setTimeout as delay } from "node:timers/promises";
import { type LineEntry, LockManager } from "etcd-lock";
import type { EtcdCluster } from "etcd-lock/testing";
import { eventually } from "../test/support/eventually.ts";
import { listKeys } from "../test/support/leftovers.ts";
import { readLedger } from "./ledger.ts";
import { Machine } from "./machine.ts";
import type { Narrator } from "./narrator.ts";
import { formatPause, summarize, type TakeOver } from "./summary.ts";

const lockName = "/demo/backup";
const ttlSeconds = 5;

/** How long a command takes that may end by itself, and one that something else is to end. */
const commandSeconds = { short: 3, endless: 60 };

/** How long a reader sees a machine run before something happens to it. */
const sceneMs = 2_000;

/** What a story needs. */
export interface StorySetting {
  readonly cluster: EtcdCluster;
  readonly narrator: Narrator;
  /** Path of the file that every command writes to. */
  readonly ledger: string;
  /** The four machines' names, in order of appearance. */
  readonly machines: readonly [string, string, string, string];
}

/** Four machines want to run one command: a holder finishes, one is killed, one loses its lock, and one is the last. */
export class Story {
  readonly #setting: StorySetting;
  readonly #narrator: Narrator;
  readonly #manager: LockManager;
  readonly #machines: Machine[] = [];
  readonly #takeOvers: TakeOver[] = [];

  constructor(setting: StorySetting) {
    this.#setting = setting;
    this.#narrator = setting.narrator;
    this.#manager = new LockManager({ endpoints: setting.cluster.endpoints });
  }

  /** From the title to the summary, in about 20 s. Rejects when something does not go as the story says. */
  async tell(): Promise<void> {
    this.#introduce();
    const [north, south, east, west] = this.#setting.machines;

    this.#narrator.announce("Four machines want the lock");
    const first = this.#start(north, commandSeconds.short);
    await this.#run(first, "nobody was in line");
    const second = await this.#lineUp(south, commandSeconds.endless);
    const third = await this.#lineUp(east, commandSeconds.endless);
    const last = await this.#lineUp(west, commandSeconds.short);

    this.#narrator.announce(`The command of ${north} ends`);
    await this.#takeOver(second, `${north} was done`, await this.#finish(first));

    this.#narrator.announce(`The etcdlocker of ${south} is killed (kill -9), as by a crash`);
    await this.#takeOver(third, `${south} was killed`, await this.#crash(second));

    this.#narrator.announce(`Somebody deletes the entry of ${east} in etcd, with etcdctl`);
    await this.#takeOver(last, `${east} lost the lock`, await this.#tamper(third));

    this.#narrator.announce(`The command of ${west}, the last in line, ends`);
    await this.#finish(last);
    await last.ended();

    summarize(this.#narrator, {
      machines: this.#machines,
      takeOvers: this.#takeOvers,
      ledger: await readLedger(this.#setting.ledger),
      keysLeft: await listKeys(this.#setting.cluster, lockName),
    });
  }

  /** Ends what is still running. */
  async end(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.leave()));
    await this.#manager.close().catch(() => undefined);
  }

  #introduce(): void {
    const narrator = this.#narrator;
    const [endpoint] = this.#setting.cluster.endpoints;
    narrator.announce("etcd-lock: one command, four machines, never two at once");
    narrator.explain(
      `A real etcd runs on ${endpoint}, for this demo alone. Four etcdlocker processes stand for four machines. ` +
        `Each wants the same lock, with a TTL of ${ttlSeconds} s, to run a command under it:`,
    );
    narrator.say();
    narrator.say(`  etcdlocker -e ${endpoint} -k ${lockName} -t ${ttlSeconds} -i NAME -- sh backup.sh`);
    narrator.say();
    narrator.say("  waits  is in line         RUNS          has the lock, and its command runs");
    narrator.say("  done   has finished       killed, lost  its command has been ended");
  }

  #start(name: string, seconds: number): Machine {
    const { cluster, ledger } = this.#setting;
    const machine = new Machine(name, { endpoint: cluster.endpoints.join(), lockName, ttlSeconds, ledger }, seconds);
    this.#machines.push(machine);
    return machine;
  }

  async #lineUp(name: string, seconds: number): Promise<Machine> {
    const machine = this.#start(name, seconds);
    const entries = await eventually(
      `${name} waits`,
      () => this.#readLine(),
      (line) => line.some(({ id, state }) => id === name && state === "waiting"),
    );
    machine.seen.waitingAt = performance.now();
    const ahead = entries.slice(
      0,
      entries.findIndex(({ id }) => id === name),
    );
    this.#narrator.tell(name, "waits", `behind ${ahead.map(({ id }) => id).join(", ")}`);
    return machine;
  }

  async #run(machine: Machine, how: string): Promise<void> {
    const { at, fencingToken } = await machine.running();
    this.#narrator.tell(machine.name, "RUNS", `${how}; fencing token ${fencingToken}`, at);
  }

  async #takeOver(successor: Machine, cause: string, since: number): Promise<void> {
    const { at } = await successor.running();
    this.#takeOvers.push({ cause, successor: successor.name, ms: at - since });
    await this.#run(successor, `took over after ${formatPause(at - since)}`);
  }

  /** Resolves to when the command said that it was done. */
  async #finish(machine: Machine): Promise<number> {
    const at = await machine.finished();
    this.#narrator.tell(machine.name, "done", "its command has finished; it gives the lock back", at);
    return at;
  }

  /** Resolves to when etcdlocker was killed. */
  async #crash(machine: Machine): Promise<number> {
    await delay(sceneMs);
    const at = performance.now();
    machine.crash();
    const goneAt = await machine.commandGone("killed");
    this.#narrator.tell(
      machine.name,
      "killed",
      `its guardian ended its command within ${formatPause(goneAt - at)}`,
      goneAt,
    );
    this.#narrator.remark(
      `its place in line is kept until nobody can be inside any more: about one TTL, ${ttlSeconds} s`,
    );
    return at;
  }

  /** Resolves to when the entry was deleted. */
  async #tamper(machine: Machine): Promise<number> {
    await delay(sceneMs);
    const entry = (await this.#readLine()).find(({ id }) => id === machine.name);
    if (entry === undefined) throw new Error(`${machine.name} has no entry in the line`);
    const at = performance.now();
    await this.#setting.cluster.etcdctl("del", entry.key);
    const goneAt = await machine.commandGone("lost");
    const { code } = await machine.ended();
    const what = `its command was ended within ${formatPause(goneAt - at)}; exit code ${code}`;
    this.#narrator.tell(machine.name, "lost", what, goneAt);
    for (const complaint of machine.complaints) this.#narrator.remark(complaint);
    return at;
  }

  async #readLine(): Promise<readonly LineEntry[]> {
    return (await this.#manager.inspect(lockName)).entries;
  }
}
