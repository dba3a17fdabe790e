import { setTimeout as delay } from "node:timers/promises";
import { type Fault, type Inflicted, NotPossible } from "../faults/fault.ts";
import { nowMs } from "../history/clock.ts";
import type { Recorder } from "../history/recorder.ts";
import type { Random } from "../random.ts";
import { FaultBag } from "./fault-bag.ts";
import type { Scene } from "./scene.ts";

export interface Infliction {
  readonly scene: Scene;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly faults: readonly Fault[];
  /** No round begins after this, unless some fault has not been inflicted yet. */
  readonly lastsMs: number;
  readonly tell: (text: string) => void;
}

/** So many faults of the cluster, or of clients if there are no others, are in a round; a calm follows. */
const faultsPerRound = 8;
/** A fault that cannot be inflicted is tried again so often before it is given up. */
const mostTries = 6;
const healLimitMs = 90_000;
const mostNote = 160;

/**
 * Inflicts faults, in rounds: on etcd one after the other, and at the same time on clients. After each round everything
 * is healed and left alone for a while, so that it can be seen whether all who wait are served.
 */
export async function inflictFaults(infliction: Infliction): Promise<void> {
  const { faults, random, lastsMs } = infliction;
  const endsAt = nowMs() + lastsMs;
  const onEtcd = new FaultBag(faults, "etcd", random.fork());
  const onClients = new FaultBag(faults, "clients", random.fork());
  const inflictor = new Inflictor(infliction);
  while (nowMs() < endsAt || onEtcd.isFresh || onClients.isFresh) {
    if (onEtcd.isEmpty) await inflictor.series(onClients, (count) => count < faultsPerRound);
    else {
      let isOver = false;
      const series = inflictor
        .series(onEtcd, (count) => count < faultsPerRound)
        .finally(() => {
          isOver = true;
        });
      await Promise.all([series, inflictor.series(onClients, () => !isOver)]);
    }
    await inflictor.rest();
  }
}

/** The run cannot go on, and says nothing about locks. */
export class NotHealed extends Error {
  override readonly name = "NotHealed";
}

class Inflictor {
  readonly #infliction: Infliction;
  #number = 0;

  constructor(infliction: Infliction) {
    this.#infliction = infliction;
  }

  async series(bag: FaultBag, goesOn: (count: number) => boolean): Promise<void> {
    const { random, scene } = this.#infliction;
    for (let count = 0; !bag.isEmpty && goesOn(count); count += 1) {
      if (bag.part === "etcd") await scene.cluster.leader().catch(() => undefined);
      await delay(random.between(150, 800));
      await this.#inflict(bag);
    }
  }

  /** Everything is healed. Nothing is inflicted until every waiter that still wants must have been served. */
  async rest(): Promise<void> {
    const { scene, recorder } = this.#infliction;
    scene.network.heal();
    await healthy(scene);
    const lastsMs = scene.ttlMs * 1.1 + 4_500;
    recorder.write({ kind: "calm", until: nowMs() + lastsMs });
    await delay(lastsMs);
  }

  async #inflict(bag: FaultBag): Promise<void> {
    const { scene, recorder, tell } = this.#infliction;
    const fault = bag.draw();
    this.#number += 1;
    const event = { kind: "fault", number: this.#number, fault: fault.name } as const;
    const begunAt = nowMs();
    let inflicted: Inflicted;
    try {
      inflicted = await fault.inflict(scene);
    } catch (error) {
      const note = String(error instanceof Error ? error.message : error).slice(0, mostNote);
      recorder.write({ ...event, phase: "skipped", note });
      tell(`${fault.name}: not inflicted (${note})`);
      if (error instanceof NotPossible) bag.putBack(fault, mostTries);
      await delay(100);
      return;
    }
    recorder.write({ ...event, phase: "injected", note: inflicted.note }, begunAt);
    tell(`${fault.name} ${inflicted.note}`);
    await delay(inflicted.lastsMs);
    await persist(inflicted.heal);
    recorder.write({ ...event, phase: "healed", note: inflicted.note });
  }
}

/** While other faults last, healing may fail. */
async function persist(heal: () => Promise<void>): Promise<void> {
  const givesUpAt = nowMs() + healLimitMs;
  for (;;) {
    try {
      await heal();
      return;
    } catch (error) {
      if (nowMs() > givesUpAt) throw error;
      await delay(200);
    }
  }
}

/** Resolves when every member runs and carries out writes. @throws NotHealed when etcd does not recover. */
async function healthy({ cluster, prefix }: Scene): Promise<void> {
  try {
    await persist(async () => {
      await cluster.leader();
      await cluster.etcdctl("endpoint", "health");
      await cluster.etcdctl("del", "--", `${prefix}healthy`);
    });
  } catch (error) {
    throw new NotHealed("etcd did not recover, though all faults had been healed", { cause: error });
  }
}
