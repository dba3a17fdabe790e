import type { KeyValue } from "#dist/etcd/gen/etcd.js";
import type { Random } from "../support/random.ts";
import type { FaultTargets } from "./fault-targets.ts";
import { lockNames } from "./lock-names.ts";
import type { World } from "./simulated-host.ts";

/** What others do to the data, and that there is no space for more. Each says what it was, if there was something to do. */
export class DataFaults {
  readonly #targets: FaultTargets;
  readonly #random: Random;
  readonly #strangers = new Set<string>();

  constructor(targets: FaultTargets, random: Random) {
    this.#targets = targets;
    this.#random = random;
  }

  revokeLease(): string | undefined {
    const { cluster } = this.#targets.world;
    // Not one of hold records: whoever takes those away says that nobody is inside.
    const leases = [...cluster.model.leases].filter(([, { ttl }]) => ttl < 600n).map(([id]) => id);
    if (leases.length === 0) return undefined;
    cluster.revoke(this.#random.oneOf(leases));
    return "lease revoked";
  }

  /** Somebody who is inside is cut off, and hears nothing, while its lease is taken away: the worst that can happen. */
  takeFromCutHolder(): string | undefined {
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

  deleteEntry(): string | undefined {
    const entry = this.#anEntry();
    if (entry === undefined) return undefined;
    this.#transact({ request: { $case: "requestDeleteRange", value: { key: entry.key, rangeEnd: Buffer.alloc(0) } } });
    return "entry deleted";
  }

  /** Somebody writes into a holder's entry, on no lease; and takes it away some time later, if it is there as it was. */
  overwriteEntry(): string | undefined {
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
  sendStranger(): string | undefined {
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
  fillUp(): string | undefined {
    const { time, cluster } = this.#targets.world;
    if (cluster.model.isFull) return undefined;
    cluster.model.isFull = true;
    time.after(this.#random.between(500, 12_000), () => this.makeSpace());
    return "space quota reached";
  }

  makeSpace(): void {
    const { time, cluster, ledger } = this.#targets.world;
    if (cluster.model.isFull) ledger.spaceCameBackAt = time.now;
    cluster.model.isFull = false;
  }

  #transact(operation: Parameters<World["cluster"]["model"]["transact"]>[0]["success"][number]): void {
    this.#targets.world.cluster.model.transact({ compare: [], success: [operation], failure: [] });
  }

  #anEntry(): KeyValue | undefined {
    const entries = [...this.#targets.world.cluster.model.keys.values()].filter(
      ({ key, lease }) => lease !== 0n && !key.includes("!") && !this.#strangers.has(key.toString("latin1")),
    );
    return entries.length === 0 ? undefined : this.#random.oneOf(entries);
  }
}
