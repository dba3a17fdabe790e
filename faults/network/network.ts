import type { EtcdCluster, EtcdMember } from "#dist/testing/index.js";
import { FaultyProxy, type Rule, wholeNetwork } from "./faulty-proxy.ts";
import { findDialer } from "./find-dialer.ts";
import { type Flow, passing } from "./pump.ts";

const held: Flow = { kind: "hold" };

/** Every way between machines of clients and members, and between members. */
export class Network {
  /** By the member that they lead to. */
  readonly #peerProxies: FaultyProxy[] = [];
  /** By machine, and then by the member that they lead to. */
  readonly #clientProxies = new Map<string, readonly FaultyProxy[]>();
  readonly #cuts = new Set<string>();
  #cluster: EtcdCluster | undefined;

  /** For the option `peerNetwork` of `startEtcd`. */
  readonly betweenMembers = async (address: string): Promise<string> => {
    const proxy = await FaultyProxy.start(address, (client) => this.#memberAt((pid) => findDialer(client, pid)));
    this.#peerProxies.push(proxy);
    return proxy.address;
  };

  /** From now on members can be told apart. */
  joinCluster(cluster: EtcdCluster): void {
    this.#cluster = cluster;
    // An attempt to start that failed has left proxies of its own.
    this.#peerProxies.splice(0, this.#peerProxies.length - cluster.members.length);
    // Connections of before are not known by their members.
    for (const proxy of this.#peerProxies) proxy.reset();
  }

  /** Connects one more machine to every member. Resolves to where its programs find them. */
  async connectMachine(machine: string): Promise<readonly string[]> {
    const { members } = this.#joined;
    const proxies = await Promise.all(members.map(({ endpoint }) => FaultyProxy.start(endpoint, () => machine)));
    this.#clientProxies.set(machine, proxies);
    return proxies.map(({ address }) => address);
  }

  get machines(): readonly string[] {
    return [...this.#clientProxies.keys()];
  }

  /** What holds between `machines` and `members`. */
  setClients(machines: readonly string[], members: readonly EtcdMember[], rule: Rule): void {
    for (const proxy of this.#between(machines, members)) proxy.set(() => rule);
  }

  /** Resets every connection between `machines` and `members` once. */
  resetClients(machines: readonly string[], members: readonly EtcdMember[]): void {
    for (const proxy of this.#between(machines, members)) proxy.reset();
  }

  /** What `from` says to `to` stays on the way, until {@link Network.healMembers}. */
  cutMembers(from: EtcdMember, to: EtcdMember): void {
    this.#cuts.add(`${from.name} ${to.name}`);
    this.#applyCuts();
  }

  healMembers(): void {
    this.#cuts.clear();
    this.#applyCuts();
  }

  /** Everything passes. */
  heal(): void {
    this.healMembers();
    for (const proxy of [...this.#clientProxies.values()].flat()) proxy.set(() => wholeNetwork);
  }

  async close(): Promise<void> {
    const proxies = [...this.#peerProxies, ...[...this.#clientProxies.values()].flat()];
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }

  #between(machines: readonly string[], members: readonly EtcdMember[]): readonly FaultyProxy[] {
    const indexes = members.map((member) => this.#joined.members.indexOf(member));
    return machines.flatMap((machine) => indexes.flatMap((index) => this.#clientProxies.get(machine)?.[index] ?? []));
  }

  /** On a connection that `from` has opened to `to`, the latter speaks in what looks like answers. */
  #applyCuts(): void {
    const flow = (from: string, to: string): Flow => (this.#cuts.has(`${from} ${to}`) ? held : passing);
    for (const [index, proxy] of this.#peerProxies.entries()) {
      const to = this.#joined.members[index]?.name ?? "";
      proxy.set((from = "unknown") => ({ requests: flow(from, to), answers: flow(to, from) }));
    }
  }

  #memberAt(find: (pids: readonly number[]) => number | undefined): string | undefined {
    const running = this.#cluster?.members.filter(({ isRunning }) => isRunning) ?? [];
    const pid = find(running.map((member) => member.pid));
    return running.find((member) => member.pid === pid)?.name;
  }

  get #joined(): EtcdCluster {
    if (this.#cluster === undefined) throw new Error("the cluster has not been joined");
    return this.#cluster;
  }
}
