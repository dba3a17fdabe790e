import { Random } from "../support/random.ts";
import { Contender } from "./contender.ts";
import { FaultPlan } from "./fault-plan.ts";
import { HoldLedger } from "./hold-ledger.ts";
import { LineAuditor } from "./line-auditor.ts";
import { seedRandomness } from "./seed-randomness.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";
import { SimulatedHost, type World } from "./simulated-host.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import type { Violation } from "./violation.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** How long locks are contended for, in seconds of true time in the simulation. */
  readonly seconds: number;
  /** Without faults nothing may be lost at all. */
  readonly faults: boolean;
}

/** What a run was like. */
export interface Figures {
  readonly holds: number;
  readonly losses: number;
  readonly admissions: number;
  readonly revision: bigint;
  readonly elections: number;
  readonly leasesExpired: number;
  readonly leasesTakenAway: number;
  readonly staleKeepAlives: number;
  readonly lateRequests: number;
  /** How often each fault has been. */
  readonly faults: Readonly<Record<string, number>>;
}

export interface SimulationResult {
  readonly violations: readonly Violation[];
  readonly figures: Figures;
}

const hostCount = 5;
const contendersPerHost = 2;
/** So long after the last fault all waiters must have been served, in milliseconds. */
const drainMs = 90_000;
/** So long after the end the last lease of somebody who was killed has ended, in milliseconds. */
const longestLeaseMs = 700_000;

/** Runs the real code of clients against a simulated cluster. The same seed gives the same run. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  using _ = seedRandomness(new Random(options.seed ^ 0x5eed));
  const simulation = new Simulation(options);
  return await simulation.run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #time = new VirtualTime();
  readonly #ledger: HoldLedger;
  readonly #auditor: LineAuditor;
  readonly #cluster: SimulatedCluster;
  readonly #world: World;
  #hosts: SimulatedHost[] = [];
  #hostCount = 0;
  readonly #running = new Map<Contender, SimulatedHost>();
  #isOver = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#ledger = new HoldLedger(
      () => this.#cluster.model,
      this.#random.fork(),
      () => this.#time.now,
    );
    this.#auditor = new LineAuditor(() => this.#cluster.model, this.#ledger);
    this.#cluster = new SimulatedCluster(this.#time, this.#random.fork(), (commit) => this.#auditor.audit(commit));
    const network = new SimulatedNetwork(this.#time, this.#random.fork());
    this.#world = { time: this.#time, cluster: this.#cluster, network, ledger: this.#ledger };
  }

  async run(): Promise<SimulationResult> {
    const { seconds, faults } = this.#options;
    for (let count = 0; count < hostCount; count += 1) this.#addHost();
    const targets = {
      world: this.#world,
      hosts: () => this.#hosts,
      crash: (host: SimulatedHost) => this.#crash(host),
    };
    const plan = faults ? new FaultPlan(targets, this.#random.fork()) : undefined;
    await this.#time.pass(seconds * 1_000, () => this.#hasFailed);
    this.#isOver = true;
    plan?.end();
    if (!this.#hasFailed) await this.#end();
    const { figures, model } = this.#cluster;
    return {
      violations: this.#ledger.violations,
      figures: {
        holds: this.#ledger.holds,
        losses: this.#ledger.losses,
        admissions: this.#auditor.admissions,
        revision: model.revision,
        elections: figures.elections,
        leasesExpired: figures.expired,
        leasesTakenAway: figures.takenAway,
        staleKeepAlives: figures.staleKeepAlives,
        lateRequests: figures.late,
        faults: plan?.counts ?? {},
      },
    };
  }

  get #hasFailed(): boolean {
    return this.#ledger.violations.length > 0;
  }

  #addHost(): void {
    this.#hostCount += 1;
    const host = new SimulatedHost(`host${this.#hostCount}`, this.#world, this.#random.fork());
    this.#hosts.push(host);
    for (let count = 0; count < contendersPerHost; count += 1) {
      const contender = new Contender(host, this.#ledger, this.#random.fork(), () => this.#isOver);
      this.#running.set(contender, host);
      void contender.run().then(() => this.#running.delete(contender));
    }
  }

  #crash(host: SimulatedHost): void {
    if (host.process.isDead) return;
    host.process.kill();
    this.#ledger.review(host.process);
    this.#hosts = this.#hosts.filter((other) => other !== host);
    for (const [contender, where] of this.#running) if (where === host) this.#running.delete(contender);
    for (const member of this.#cluster.members) this.#world.network.reset(host.process, member);
    this.#addHost();
  }

  /** Everything heals: all are served, managers are closed, and what the dead have left goes with its leases. */
  async #end(): Promise<void> {
    await this.#time.pass(drainMs, () => this.#running.size === 0);
    for (const [contender, host] of this.#running) {
      this.#ledger.report("liveness", `${host.process.name} is still at it: ${contender.doing}`);
    }
    if (this.#hasFailed) return;
    const closings = this.#hosts.map((host) => host.manager.close());
    void Promise.all(closings).catch((error: unknown) => this.#ledger.report("errors", `close: ${String(error)}`));
    await this.#time.pass(longestLeaseMs);
    this.#checkLeftovers();
  }

  #checkLeftovers(): void {
    const { keys, leases } = this.#cluster.model;
    if (keys.size > 0) this.#ledger.report("leftovers", `keys: ${[...keys.keys()].join(", ")}`);
    if (leases.size > 0) this.#ledger.report("leftovers", `${leases.size} leases`);
    for (const { id, watches } of this.#cluster.members) {
      const { count } = watches;
      if (count.streams > 0) this.#ledger.report("leftovers", `${count.streams} watch streams at member ${id}`);
    }
    for (const { process } of this.#hosts) {
      if (process.alarms > 0) this.#ledger.report("leftovers", `${process.alarms} alarms in ${process.name}`);
    }
  }
}
