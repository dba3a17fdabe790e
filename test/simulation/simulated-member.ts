import type { ResponseHeader } from "#dist/etcd/gen/etcd.js";
import type { Commit } from "./etcd-model.ts";
import type { Lessor } from "./lessor.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { WatchHub } from "./watch-hub.ts";

/**
 * - `paused`: stopped, and everything that arrives waits.
 * - `stalled`: stuck in writing to its disk. It answers from memory, and takes part in nothing.
 * - `cut`: the other members cannot be reached, clients can.
 */
export type MemberState = "healthy" | "paused" | "stalled" | "cut" | "down";

/** One member of the cluster: what it has applied, who it believes leads, and what its clients watch. */
export class SimulatedMember {
  readonly id: bigint;
  readonly watches: WatchHub = new WatchHub(() => this.header());
  readonly #time: VirtualTime;
  readonly #rate: number;
  readonly #backlog: (() => void)[] = [];
  #commits: Commit[] = [];
  state: MemberState = "healthy";
  /** Since when it is in this state, in true time. */
  since = 0;
  /** The leases as it knows them, while it leads, or still believes that it does. */
  lessor: Lessor | undefined;
  leader: SimulatedMember | undefined;
  term = 1n;
  #applied = 1n;

  constructor(id: bigint, time: VirtualTime, rate: number) {
    this.id = id;
    this.#time = time;
    this.#rate = rate;
  }

  get isHealthy(): boolean {
    return this.state === "healthy";
  }

  /** Its own clock. */
  now(): number {
    return this.#time.now * this.#rate;
  }

  header(): ResponseHeader {
    return { clusterId: 1n, memberId: this.id, revision: this.#applied, raftTerm: this.term };
  }

  become(state: MemberState): void {
    this.state = state;
    this.since = this.#time.now;
    if (state === "down") {
      this.#backlog.length = 0;
      this.lessor = undefined;
      this.watches.fail("the connection was reset");
    }
    if (state !== "healthy") return;
    for (const commit of this.#commits.splice(0)) this.#apply(commit);
    for (const handle of this.#backlog.splice(0)) handle();
  }

  /** Runs `handle` now, or when the member goes on. */
  receive(handle: () => void): void {
    if (this.state === "paused") this.#backlog.push(handle);
    else if (this.state !== "down") handle();
  }

  /** The cluster has agreed on `commit`; the member applies it in a moment, when it can. */
  learn(commit: Commit, delayMs: number): void {
    this.#commits.push(commit);
    this.#time.after(delayMs, () => this.catchUp(commit.revision));
  }

  /** Applies what the cluster has agreed on up to `revision`. */
  catchUp(revision: bigint): void {
    if (!this.isHealthy) return;
    while (this.#commits[0] !== undefined && this.#commits[0].revision <= revision) {
      const commit = this.#commits.shift();
      if (commit !== undefined) this.#apply(commit);
    }
  }

  #apply(commit: Commit): void {
    this.#applied = commit.revision;
    this.watches.tell(commit);
  }
}
