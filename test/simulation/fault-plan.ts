import type { KeyValue } from "#dist/etcd/gen/etcd.js";
import type { Random } from "../support/random.ts";
import { lockNames } from "./lock-names.ts";
import type { SimulatedHost, World } from "./simulated-host.ts";
import type { MemberState, SimulatedMember } from "./simulated-member.ts";
import type { LinkState } from "./simulated-network.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** Whom faults befall. */
export interface FaultTargets {
  readonly world: World;
  /** Those that run or are frozen. */
  hosts(): readonly SimulatedHost[];
  /** The host ends at once, and another comes in its place. */
  crash(host: SimulatedHost): void;
}

const meanPauseMs = 700;

/** Lets faults befall a world, at random, each with an end. */
export class FaultPlan {
  readonly #targets: FaultTargets;
  readonly #random: Random;
  readonly #counts = new Map<string, number>();
  readonly #strangers = new Set<string>();
  #isOver = false;

  constructor(targets: FaultTargets, random: Random) {
    this.#targets = targets;
    this.#random = random;
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
    this.#makeSpace();
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
      [1, () => this.#revokeLease()],
      [3, () => this.#takeFromCutHolder()],
      [1, () => this.#deleteEntry()],
      [1, () => this.#overwriteEntry()],
      [3, () => this.#sendStranger()],
      [1, () => this.#fillUp()],
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

  #revokeLease(): string | undefined {
    const { cluster } = this.#targets.world;
    // Not one of hold records: whoever takes those away says that nobody is inside.
    const leases = [...cluster.model.leases].filter(([, { ttl }]) => ttl < 600n).map(([id]) => id);
    if (leases.length === 0) return undefined;
    cluster.revoke(this.#random.oneOf(leases));
    return "lease revoked";
  }

  /** Somebody who is inside is cut off, and hears nothing, while its lease is taken away: the worst that can happen. */
  #takeFromCutHolder(): string | undefined {
    const { cluster, network, ledger } = this.#targets.world;
    const holder = this.#targets.hosts().find(({ process }) => ledger.isInside(process));
    if (holder === undefined) return undefined;
    for (const member of cluster.members) network.change(holder.process, member, "silent");
    for (const { lease } of [...cluster.model.keys.values()]) {
      if (ledger.holdsWith(holder.process, lease) && cluster.model.leases.has(lease)) cluster.revoke(lease);
    }
    this.#targets.world.time.after(this.#random.between(1_000, 8_000), () => network.heal(holder.process));
    return "lease taken from a holder that is cut off";
  }

  #deleteEntry(): string | undefined {
    const entry = this.#anEntry();
    if (entry === undefined) return undefined;
    this.#transact({ request: { $case: "requestDeleteRange", value: { key: entry.key, rangeEnd: Buffer.alloc(0) } } });
    return "entry deleted";
  }

  /** Somebody writes into a holder's entry, on no lease; and takes it away some time later, if it is there as it was. */
  #overwriteEntry(): string | undefined {
    const { time, cluster, ledger } = this.#targets.world;
    // Of an exclusive holder: with the limit of a shared one, what others have read of the line would be changed too.
    const entry = [...cluster.model.keys.values()].find(
      ({ key, lease, createRevision, value }) =>
        !value.includes('"limit"') && ledger.isHeld(key.toString("latin1"), lease, createRevision),
    );
    if (entry === undefined || cluster.model.isFull) return undefined;
    const name = entry.key.toString("latin1");
    const value = Buffer.from("somebody else was here");
    this.#transact({ request: { $case: "requestPut", value: { key: entry.key, value, lease: 0n } } });
    const written = cluster.model.keys.get(name);
    time.after(this.#random.between(500, 5_000), () => {
      if (cluster.model.keys.get(name) !== written) ledger.report("foreign", `${name} was overwritten or removed`);
      const range = { key: entry.key, rangeEnd: Buffer.alloc(0) };
      this.#transact({ request: { $case: "requestDeleteRange", value: range } });
    });
    return "entry overwritten";
  }

  /**
   * Somebody enters a line as Go's `concurrency.Mutex` does, and leaves it some time later, unless its lease ends before: it
   * may have crashed.
   */
  #sendStranger(): string | undefined {
    const { time, cluster, ledger } = this.#targets.world;
    const { model } = cluster;
    if (model.isFull) return undefined;
    const id = BigInt(1 + this.#random.below(2 ** 31));
    const name = `${this.#random.oneOf(lockNames)}/${id.toString(16)}`;
    cluster.grant(id, 4n);
    const key = Buffer.from(name);
    this.#transact({ request: { $case: "requestPut", value: { key, value: Buffer.alloc(0), lease: id } } });
    const written = model.keys.get(name);
    this.#strangers.add(name);
    time.after(this.#random.between(200, 8_000), () => {
      if (!model.leases.has(id)) return;
      if (model.keys.get(name) !== written) ledger.report("foreign", `${name} was overwritten or removed`);
      cluster.revoke(id);
    });
    return "stranger in line";
  }

  /** etcd has no space left, and writes nothing any more until somebody has made some. */
  #fillUp(): string | undefined {
    const { time, cluster } = this.#targets.world;
    if (cluster.model.isFull) return undefined;
    cluster.model.isFull = true;
    time.after(this.#random.between(500, 12_000), () => this.#makeSpace());
    return "space quota reached";
  }

  #makeSpace(): void {
    const { time, cluster, ledger } = this.#targets.world;
    if (cluster.model.isFull) ledger.spaceCameBackAt = time.now;
    cluster.model.isFull = false;
  }

  #transact(operation: Parameters<World["cluster"]["model"]["transact"]>[0]["success"][number]): void {
    this.#targets.world.cluster.model.transact({ compare: [], success: [operation], failure: [] });
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

  #anEntry(): KeyValue | undefined {
    const entries = [...this.#targets.world.cluster.model.keys.values()].filter(
      ({ key, lease }) => lease !== 0n && !key.includes("!") && !this.#strangers.has(key.toString("latin1")),
    );
    return entries.length === 0 ? undefined : this.#random.oneOf(entries);
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
