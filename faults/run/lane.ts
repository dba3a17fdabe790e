import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../test/support/random.ts";
import type { Fault, Inflicted } from "../faults/fault.ts";
import { nowMs } from "../history/clock.ts";
import type { Recorder } from "../history/recorder.ts";
import { FaultBag } from "./fault-bag.ts";
import { persist } from "./persist.ts";
import { Scene } from "./scene.ts";

export interface LaneSetting {
  readonly scene: Scene;
  readonly recorder: Recorder;
  readonly faults: readonly Fault[];
  readonly nextNumber: () => number;
  readonly tell: (text: string) => void;
}

/** A fault that cannot be inflicted is tried again so often before it is given up. */
const mostTries = 6;
const mostNote = 160;

/** Faults of one part, one after the other. What happens in it does not depend on what happens in another. */
export class Lane {
  readonly #setting: LaneSetting;
  readonly #scene: Scene;
  readonly #bag: FaultBag;
  readonly #random: Random;

  constructor(setting: LaneSetting, part: Fault["part"], random: Random) {
    this.#setting = setting;
    this.#random = random;
    this.#scene = new Scene(setting.scene, random.fork());
    this.#bag = new FaultBag(setting.faults, part, random.fork());
  }

  /** Whether there are no faults of this part. */
  get isEmpty(): boolean {
    return this.#bag.isEmpty;
  }

  /** Whether some fault has not been inflicted yet. */
  get isFresh(): boolean {
    return this.#bag.isFresh;
  }

  /** Inflicts fault after fault as long as `goesOn` says so, which is told how many it were. */
  async inflict(goesOn: (inflicted: number) => boolean): Promise<void> {
    for (let inflicted = 0; !this.isEmpty && goesOn(inflicted); inflicted += 1) {
      if (this.#bag.part === "etcd") await this.#scene.cluster.leader().catch(() => undefined);
      await delay(this.#random.between(150, 800));
      await this.#inflictNext();
    }
  }

  async #inflictNext(): Promise<void> {
    const { recorder, tell, nextNumber } = this.#setting;
    const fault = this.#bag.draw();
    const event = { kind: "fault", number: nextNumber(), fault: fault.name } as const;
    const begunAt = nowMs();
    let inflicted: Inflicted;
    try {
      inflicted = await fault.inflict(this.#scene);
    } catch (error) {
      const note = whyNot(error);
      recorder.write({ ...event, phase: "skipped", note });
      tell(`${fault.name}: not inflicted (${note})`);
      this.#bag.putBack(fault, mostTries);
      return;
    }
    const { note, lastsMs, heal } = inflicted;
    recorder.write({ ...event, phase: "injected", note }, begunAt);
    tell(`${fault.name} ${note}`);
    await delay(lastsMs);
    await persist(heal);
    recorder.write({ ...event, phase: "healed", note });
  }
}

/** In one line; of a program that failed what it said, and not its words, among which is a password. */
function whyNot(error: unknown): string {
  const lines = String(error instanceof Error ? error.message : error).split("\n");
  const said = lines.filter((line) => line !== "" && !line.startsWith("Command failed:"));
  return (said.at(-1) ?? "a program failed").slice(0, mostNote);
}
