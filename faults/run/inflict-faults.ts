import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../test/support/random.ts";
import type { Fault } from "../faults/fault.ts";
import { nowMs } from "../history/clock.ts";
import type { Recorder } from "../history/recorder.ts";
import { Lane, type LaneSetting } from "./lane.ts";
import { persist } from "./persist.ts";
import { RunFailedError } from "./run-failed-error.ts";
import type { Scene } from "./scene.ts";

export interface Infliction {
  readonly scene: Scene;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly faults: readonly Fault[];
  /** No fault is inflicted after this, in milliseconds, unless some has not been inflicted yet. */
  readonly lastsMs: number;
  readonly tell: (text: string) => void;
}

/** So many faults of the cluster, or of clients if there are no others, are in a round; a calm follows. */
const faultsPerRound = 8;

/**
 * Inflicts faults, in rounds: on etcd one after the other, and at the same time on clients. After each round everything
 * is healed and left alone for a while, so that it can be seen whether all who wait are served.
 *
 * @throws RunFailedError when etcd does not recover.
 */
export async function inflictFaults({ scene, recorder, random, faults, lastsMs, tell }: Infliction): Promise<void> {
  const endsAt = nowMs() + lastsMs;
  let count = 0;
  const nextNumber = (): number => {
    count += 1;
    return count;
  };
  const setting: LaneSetting = { scene, recorder, faults, nextNumber, tell };
  const onEtcd = new Lane(setting, "etcd", random.fork());
  const onClients = new Lane(setting, "clients", random.fork());
  const isWanted = (): boolean => nowMs() < endsAt || onEtcd.isFresh || onClients.isFresh;
  const goesOn = (inflicted: number): boolean => inflicted < faultsPerRound && isWanted();
  while (isWanted()) {
    if (onEtcd.isEmpty) await onClients.inflict(goesOn);
    else await inflictRound(onEtcd, onClients, goesOn);
    await rest(scene, recorder);
  }
}

async function inflictRound(onEtcd: Lane, onClients: Lane, goesOn: (inflicted: number) => boolean): Promise<void> {
  let isOver = false;
  const round = onEtcd.inflict(goesOn).finally(() => {
    isOver = true;
  });
  await Promise.all([round, onClients.inflict(() => !isOver)]);
}

/** Everything is healed. Nothing is inflicted until every waiter that still wants must have been served. */
async function rest(scene: Scene, recorder: Recorder): Promise<void> {
  scene.network.heal();
  await untilHealthy(scene);
  const lastsMs = scene.ttlMs * 1.1 + 4_500;
  recorder.write({ kind: "calm", until: nowMs() + lastsMs });
  await delay(lastsMs);
}

/** Resolves when every member runs and carries out writes. */
async function untilHealthy({ cluster, prefix }: Scene): Promise<void> {
  try {
    await persist(async () => {
      await cluster.leader();
      await cluster.etcdctl("endpoint", "health");
      await cluster.etcdctl("del", "--", `${prefix}healthy`);
    });
  } catch (error) {
    throw new RunFailedError("etcd did not recover, though all faults had been healed", { cause: error });
  }
}
