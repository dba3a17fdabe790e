import type { Connection } from "#dist/etcd/connection.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import { LockManager } from "#dist/index.js";
import type { Random } from "../support/random.ts";
import type { HoldLedger } from "./hold-ledger.ts";
import type { Route } from "./route.ts";
import { SimulatedConnection } from "./simulated-connection.ts";
import { SimulatedProcess } from "./simulated-process.ts";

/** What hosts have in common. */
export interface World extends Omit<Route, "process" | "member"> {
  readonly ledger: HoldLedger;
}

/** The clocks of two hosts run apart by up to 9 %. */
const clockRates = { slowest: 1 / 1.0436, fastest: 1.0436 };

/** A machine with one process, in which the real code runs: `LockManager`, and all beneath it but the connections. */
export class SimulatedHost {
  readonly process: SimulatedProcess;
  readonly ttl: number;
  readonly #world: World;
  manager: LockManager;

  constructor(name: string, world: World, random: Random) {
    this.#world = world;
    const rate = random.between(clockRates.slowest, clockRates.fastest);
    this.process = new SimulatedProcess(name, world.time, random.fork(), rate, () => world.ledger.review(this.process));
    this.ttl = random.oneOf([2, 2, 3, 5, 10]);
    this.manager = this.#makeManager();
  }

  /** Closes the manager, and goes on with another. */
  async renewManager(): Promise<void> {
    const { manager } = this;
    this.manager = this.#makeManager();
    await manager.close();
  }

  #makeManager(): LockManager {
    const { cluster, network, time, ledger } = this.#world;
    const { process } = this;
    const endpoints = cluster.members.map((_, index) => `member${index + 1}:2379`);
    const connect = (endpoint: string): Connection => {
      const member = cluster.members[endpoints.indexOf(endpoint)];
      if (member === undefined) throw new RangeError(`no member is at ${endpoint}`);
      const connection = new SimulatedConnection(endpoint, { time, process, network, cluster, member });
      // It has all that is public of a `Connection`; its private fields are nobody's business.
      return connection as unknown as Connection;
    };
    const manager = new LockManager(
      { endpoints, ttl: this.ttl, id: process.name },
      { clock: process, connect: (addresses) => new GrpcEtcdClient(addresses, process, connect) },
    );
    manager.on("lost", ({ lock, error }) => ledger.hearOfLoss(lock, error));
    return manager;
  }
}
