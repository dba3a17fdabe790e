import type { EtcdCluster, EtcdMember } from "#dist/testing/index.js";
import type { Random } from "../../test/support/random.ts";
import type { JobSlot } from "../jobs/job-slot.ts";
import type { Network } from "../network/network.ts";
import type { LockNames } from "../worker/worker-job.ts";
import type { Accounts } from "./accounts.ts";
import type { Workers } from "./workers.ts";

/** What faults can be inflicted on. */
export interface SceneParts {
  readonly cluster: EtcdCluster;
  readonly network: Network;
  readonly workers: Workers;
  /** Commands that run under our own locks. */
  readonly jobs: readonly JobSlot[];
  readonly names: LockNames;
  /** What all names begin with. */
  readonly prefix: string;
  readonly ttlMs: number;
  readonly crowdSize: number;
  /** `undefined` when the cluster does not want to know who its clients are. */
  readonly accounts: Accounts | undefined;
}

/** What the names of machines begin with on which foreign contenders run. */
export const foreignMachine = "abroad-";

/** The parts, and the chance by which a fault chooses among them. */
export class Scene implements SceneParts {
  readonly cluster: EtcdCluster;
  readonly network: Network;
  readonly workers: Workers;
  readonly jobs: readonly JobSlot[];
  readonly names: LockNames;
  readonly prefix: string;
  readonly ttlMs: number;
  readonly crowdSize: number;
  readonly accounts: Accounts | undefined;
  readonly random: Random;

  constructor(parts: SceneParts, random: Random) {
    this.cluster = parts.cluster;
    this.network = parts.network;
    this.workers = parts.workers;
    this.jobs = parts.jobs;
    this.names = parts.names;
    this.prefix = parts.prefix;
    this.ttlMs = parts.ttlMs;
    this.crowdSize = parts.crowdSize;
    this.accounts = parts.accounts;
    this.random = random;
  }

  /** One on which something of ours runs. */
  anyMachine(): string {
    return this.random.oneOf(this.network.machines.filter((machine) => !machine.startsWith(foreignMachine)));
  }

  anyMember(): EtcdMember {
    return this.random.oneOf(this.cluster.members);
  }

  async follower(): Promise<EtcdMember> {
    const leader = await this.cluster.leader();
    return this.random.oneOf(this.cluster.members.filter((member) => member !== leader));
  }

  /** The machine of a program, by the id that its locks have: `worker-1.2` is the second on `machine-1`. */
  machineOf(id: string): string | undefined {
    return this.network.machines.find((machine) => id === machine || id.startsWith(`${machine}.`));
  }
}
