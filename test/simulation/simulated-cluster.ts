import type { LeaseKeepAliveResponse, ResponseHeader } from "#dist/etcd/gen/etcd.js";
import { GrpcError, status } from "#dist/grpc/status.js";
import type { Random } from "../support/random.ts";
import { type Commit, EtcdModel } from "./etcd-model.ts";
import { Lessor } from "./lessor.ts";
import { type MemberState, SimulatedMember } from "./simulated-member.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What a member answers, or how it fails. */
export interface Answering<T> {
  resolve(answer: T): void;
  reject(error: GrpcError): void;
}

interface Proposal {
  readonly member: SimulatedMember;
  carryOut(): void;
  fail(): void;
}

/** What happened to a cluster. */
export interface ClusterFigures {
  elections: number;
  /** Leases that ended because no keepalive came in time. */
  expired: number;
  /** Leases that a leader which had been paused took away, though they had been renewed at its successor. */
  takenAway: number;
  /** Keepalives that a leader answered which was none any more. */
  staleKeepAlives: number;
  /** Requests that were carried out when nobody waited for the answer any more. */
  late: number;
}

const leastTtl = 2n;
const memberCount = 3;
/** A leader that does not hear of the others steps down after so long, in milliseconds. */
const stepDownMs = 1_300;
/** A request for which there is no leader fails after so long, in milliseconds. */
const noLeaderMs = 7_000;
const expiryCheckMs = 500;

/**
 * Three members, of which one leads. What they agree on is an {@link EtcdModel}; how leases are kept, and what a member
 * answers that was paused, cut off or stuck, is as in `docs/design.md` and etcd's own reports: a leader keeps leases by its
 * own clock, a new one starts them afresh, and one that wakes up ends, through its successor, those that look expired to it.
 */
export class SimulatedCluster {
  readonly model: EtcdModel;
  readonly members: readonly SimulatedMember[];
  readonly figures: ClusterFigures = { elections: 0, expired: 0, takenAway: 0, staleKeepAlives: 0, late: 0 };
  readonly #time: VirtualTime;
  readonly #random: Random;
  #leader: SimulatedMember | undefined;
  #term = 1n;
  #proposals: Proposal[] = [];
  #election = 0;

  constructor(time: VirtualTime, random: Random, onCommit: (commit: Commit) => void) {
    this.#time = time;
    this.#random = random;
    this.model = new EtcdModel(leastTtl, (commit) => {
      for (const member of this.members) member.learn(commit, random.exponential(1));
      onCommit(commit);
    });
    this.members = Array.from(
      { length: memberCount },
      (_, index) => new SimulatedMember(BigInt(index + 1), time, random.between(0.9, 1.1)),
    );
    this.#elect();
    this.#checkExpiries();
  }

  get leader(): SimulatedMember | undefined {
    return this.#leader;
  }

  get isHealthy(): boolean {
    return this.members.every((member) => member.isHealthy);
  }

  /** Puts a member into another state, with what follows from it. */
  change(member: SimulatedMember, state: MemberState): void {
    const before = member.state;
    if (before === state) return;
    const { lessor } = member;
    const isDeposed = lessor !== undefined && member.term !== this.#term;
    // What waited for a leader that was paused, it answers before it knows that it is one no longer.
    member.become(state);
    if (state === "healthy" && isDeposed) this.#wakeUp(member, lessor);
    if (state === "healthy" && this.#leader !== undefined) this.#follow(member, this.#leader);
    if (member === this.#leader && state !== "healthy") this.#loseLeader(member);
    this.#planElection();
    if (state === "cut") this.#time.after(stepDownMs, () => this.#stepDown(member));
    this.#carryOnProposals();
  }

  /** Has the cluster agree on something, asked for at `member`; answers when `member` has applied it. */
  propose<T>(
    member: SimulatedMember,
    carryOut: () => T,
    answering: Answering<{ header: ResponseHeader; value: T }>,
  ): void {
    let isOver = false;
    const fail = (): void => {
      if (isOver) return;
      isOver = true;
      answering.reject(new GrpcError(status.UNAVAILABLE, "etcdserver: request timed out"));
    };
    const proposal: Proposal = {
      member,
      fail,
      carryOut: () => {
        if (isOver) this.figures.late += 1;
        try {
          const value = carryOut();
          member.catchUp(this.model.revision);
          const header = { clusterId: 1n, memberId: member.id, revision: this.model.revision, raftTerm: this.#term };
          if (!isOver) this.#time.after(this.#random.exponential(0.3), () => answering.resolve({ header, value }));
        } catch (error) {
          if (!(error instanceof GrpcError)) throw error;
          if (!isOver) answering.reject(error);
        }
        isOver = true;
      },
    };
    this.#time.after(this.#random.exponential(0.5), () => {
      if (this.#canPropose(member)) proposal.carryOut();
      else this.#hold(proposal);
    });
  }

  /** Renews a lease at whoever leads, as far as `member` knows. */
  keepAlive(member: SimulatedMember, id: bigint, answering: Answering<LeaseKeepAliveResponse>): void {
    const leader = member.leader;
    const lessor = leader?.lessor;
    const isReachable = leader === member || (member.isHealthy && leader?.isHealthy);
    const canAnswer = leader !== undefined && leader.state !== "paused" && leader.state !== "down";
    if (lessor === undefined || !isReachable || !canAnswer) {
      this.#time.after(noLeaderMs, () => answering.reject(new GrpcError(status.UNAVAILABLE, "etcdserver: no leader")));
      return;
    }
    if (leader !== this.#leader) this.figures.staleKeepAlives += 1;
    const ttl = lessor.renew(id);
    answering.resolve({ header: member.header(), id, ttl });
  }

  grant(id: bigint, ttl: bigint): bigint {
    const granted = this.model.grant(id, ttl);
    this.#leader?.lessor?.add(id, granted);
    return granted;
  }

  revoke(id: bigint): void {
    this.model.revoke(id);
    for (const { lessor, isHealthy } of this.members) if (isHealthy) lessor?.remove(id);
  }

  #canPropose(member: SimulatedMember): boolean {
    return this.#leader !== undefined && this.#hasMajority() && member.isHealthy;
  }

  #hasMajority(): boolean {
    return this.members.filter((member) => member.isHealthy).length * 2 > memberCount;
  }

  /** Nobody can carry it out now. It may be lost, or be carried out long after. */
  #hold(proposal: Proposal): void {
    if (this.#random.chance(0.7)) this.#proposals.push(proposal);
    this.#time.after(noLeaderMs, proposal.fail);
  }

  #carryOnProposals(): void {
    const ready = this.#proposals.filter(({ member }) => this.#canPropose(member));
    this.#proposals = this.#proposals.filter((proposal) => !ready.includes(proposal));
    for (const proposal of ready) {
      this.#time.after(this.#random.exponential(5), () => {
        if (this.#canPropose(proposal.member)) proposal.carryOut();
        else this.#proposals.push(proposal);
      });
    }
  }

  #loseLeader(member: SimulatedMember): void {
    this.#leader = undefined;
    if (member.state === "down") member.lessor = undefined;
  }

  #planElection(): void {
    if (this.#leader !== undefined) return;
    this.#election += 1;
    const election = this.#election;
    // Who comes back before the others have noticed leads on.
    const former = this.members.find(({ lessor, isHealthy, term }) => isHealthy && lessor && term === this.#term);
    if (former !== undefined && this.#hasMajority()) this.#leader = former;
    former?.lessor?.learn(this.model);
    this.#time.after(this.#random.between(1_000, 1_900), () => {
      if (election === this.#election && this.#leader === undefined && this.#hasMajority()) this.#elect();
    });
  }

  #elect(): void {
    const leader = this.#random.oneOf(this.members.filter((member) => member.isHealthy));
    this.#term += 1n;
    this.figures.elections += 1;
    this.#leader = leader;
    leader.lessor = new Lessor(this.model, () => leader.now());
    for (const member of this.members.filter(({ isHealthy }) => isHealthy)) {
      if (member !== leader) member.lessor = undefined;
      this.#follow(member, leader);
    }
    this.#carryOnProposals();
  }

  #follow(member: SimulatedMember, leader: SimulatedMember): void {
    member.leader = leader;
    member.term = this.#term;
  }

  /** It ends what looks expired to it, through its successor, and then learns that it has one. */
  #wakeUp(member: SimulatedMember, lessor: Lessor): void {
    const expired = lessor.expired().filter(() => this.#random.chance(0.8));
    member.lessor = undefined;
    member.term = this.#term;
    for (const id of expired) {
      const takeAway = (): void => {
        if (!this.model.leases.has(id)) return;
        this.figures.takenAway += 1;
        this.revoke(id);
      };
      this.#hold({ member, carryOut: takeAway, fail: () => {} });
    }
  }

  #stepDown(member: SimulatedMember): void {
    if (member.state !== "cut" || member === this.#leader) return;
    member.lessor = undefined;
    member.leader = undefined;
    // A watch that asks for a leader ends.
    member.watches.fail("etcdserver: no leader");
  }

  #checkExpiries(): void {
    for (const id of (this.#hasMajority() && this.#leader?.lessor?.expired()) || []) {
      if (!this.model.leases.has(id)) continue;
      this.figures.expired += 1;
      this.revoke(id);
    }
    this.#time.after(expiryCheckMs, () => this.#checkExpiries());
  }
}
