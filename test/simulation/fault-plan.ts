import type { Random } from "../support/random.ts";
import { DataFaults } from "./data-faults.ts";
import type { FaultTargets } from "./fault-targets.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { MemberState, SimulatedMember } from "./simulated-member.ts";
import type { LinkState } from "./simulated-network.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

const meanPauseMs = 700;

/** Lets faults befall a world, at random, each with an end. */
export class FaultPlan {
  readonly #targets: FaultTargets;
  readonly #random: Random;
  readonly #counts = new Map<string, number>();
  readonly #data: DataFaults;
  #isOver = false;

  constructor(targets: FaultTargets, random: Random) {
    this.#targets = targets;
    this.#random = random;
    this.#data = new DataFaults(targets, random);
    this.#plan();
  }

  /** How often each fault has been. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** No more faults; whatever is broken is mended. */
  end(): void {
    this.#isOver = true;
    const { world, hosts } = this.#targets;
    for (const member of world.cluster.members) world.cluster.change(member, "healthy");
    this.#data.makeSpace();
    for (const { process } of hosts()) {
      process.thaw();
      world.network.heal(process);
    }
  }

  #plan(): void {
    this.#targets.world.time.after(this.#random.exponential(meanPauseMs), () => {
      if (this.#isOver) return;
      this.#befall();
      this.#plan();
    });
  }

  #befall(): void {
    const random = this.#random;
    const faults: readonly (readonly [weight: number, befall: () => string | undefined])[] = [
      [4, () => this.#breakMember("paused", "leader", random.between(500, 9_000))],
      [2, () => this.#breakMember("stalled", "leader", random.between(500, 8_000))],
      [2, () => this.#breakMember("cut", "leader", random.between(500, 8_000))],
      [2, () => this.#breakMember("down", random.oneOf(["leader", "follower"]), random.between(200, 5_000))],
      [1, () => this.#breakMember(random.oneOf(["paused", "cut"]), "follower", random.between(500, 6_000))],
      [5, () => this.#breakLinks(random.oneOf(["silent", "silent", "deaf", "deaf", "slow"]))],
      [2, () => this.#resetStreams()],
      [5, () => this.#freeze()],
      [1, () => this.#pauseMachine()],
      [2, () => this.#crash()],
      [1, () => this.#jumpWall()],
      [1, () => this.#data.revokeLease()],
      [3, () => this.#data.takeFromCutHolder()],
      [1, () => this.#data.deleteEntry()],
      [1, () => this.#data.overwriteEntry()],
      [3, () => this.#data.sendStranger()],
      [1, () => this.#data.fillUp()],
      [1, () => this.#cancelWatches()],
      [1, () => this.#closeManager()],
    ];
    const total = faults.reduce((sum, [weight]) => sum + weight, 0);
    let left = random.fraction() * total;
    for (const [weight, befall] of faults) {
      left -= weight;
      if (left >= 0) continue;
      const name = befall();
      if (name !== undefined) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
      return;
    }
  }

  #breakMember(state: MemberState, role: "leader" | "follower", forMs: number): string | undefined {
    const { cluster, time } = this.#targets.world;
    const candidates = cluster.members.filter((member) => (member === cluster.leader) === (role === "leader"));
    const [member] = candidates.filter(({ isHealthy }) => isHealthy);
    const broken = cluster.members.filter(({ isHealthy }) => !isHealthy).length;
    if (member === undefined || broken > 1 || (broken === 1 && this.#random.chance(0.8))) return undefined;
    cluster.change(member, state);
    time.after(forMs, () => cluster.change(member, "healthy"));
    return `${role} ${state}`;
  }

  #breakLinks(state: LinkState): string {
    const { network, time } = this.#targets.world;
    const { process } = this.#host();
    const members = this.#someMembers();
    const forMs = this.#random.exponential(2_000);
    this.#nowOrAtARequest(process, () => {
      for (const member of members) network.change(process, member, state);
      time.after(forMs, () => {
        for (const member of members) network.change(process, member, "whole");
      });
    });
    return `link ${state}`;
  }

  #resetStreams(): string {
    const { process } = this.#host();
    for (const member of this.#someMembers()) this.#targets.world.network.reset(process, member);
    return "streams reset";
  }

  #freeze(): string {
    const { process } = this.#host();
    const forMs = this.#random.exponential(2_500);
    this.#nowOrAtARequest(process, () => this.#targets.world.time.after(forMs, process.freeze()));
    return "process frozen";
  }

  /** A virtual machine is stopped: its clocks stand still, and its wall clock is set right when it goes on. */
  #pauseMachine(): string {
    const { process } = this.#host();
    const forMs = this.#random.between(500, 8_000);
    this.#nowOrAtARequest(process, () => this.#targets.world.time.after(forMs, process.freeze(true)));
    return "machine paused";
  }

  #crash(): string {
    const host = this.#host();
    this.#nowOrAtARequest(host.process, () => this.#targets.crash(host));
    return "process killed";
  }

  #jumpWall(): string | undefined {
    const { process } = this.#host();
    const byMs = this.#random.between(-10_000, 10_000);
    // Set back by just as long as its machine stood still, it would hide that, and no clock would tell.
    if (!process.isRunning) return undefined;
    process.jumpWall(byMs);
    return "wall clock set";
  }

  #cancelWatches(): string {
    this.#random.oneOf(this.#targets.world.cluster.members).watches.cancelOne((count) => this.#random.below(count));
    return "watches cancelled";
  }

  #closeManager(): string {
    const host = this.#host();
    // What cannot be ended now ends with its lease.
    host.process.deliver("message", () => void host.renewManager().catch(() => {}));
    return "manager closed";
  }

  /** At once, or when the process has just sent something, and waits for the answer. */
  #nowOrAtARequest(process: SimulatedProcess, befall: () => void): void {
    if (this.#random.chance(0.4)) befall();
    else this.#targets.world.network.onNextRequest(process, () => this.#isOver || befall());
  }

  #host(): SimulatedHost {
    return this.#random.oneOf(this.#targets.hosts());
  }

  #someMembers(): readonly SimulatedMember[] {
    const { members } = this.#targets.world.cluster;
    return this.#random.chance(0.5) ? members : [this.#random.oneOf(members)];
  }
}
