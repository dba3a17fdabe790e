import type { EtcdClient, Watch, WatchListener, WatchTarget } from "../etcd/etcd-client.ts";

interface Watched {
  readonly watch: Watch;
  /** Since which revision nothing is missed; `undefined` until it is confirmed. */
  since: bigint | undefined;
}

/** The watches of one waiter, which change as the line does. Tells of confirmation once all of them stand. */
export class WatchSet {
  readonly #client: EtcdClient;
  readonly #listener: WatchListener;
  readonly #watched = new Map<string, Watched>();

  constructor(client: EtcdClient, listener: WatchListener) {
    this.#client = client;
    this.#listener = listener;
  }

  /** Watches exactly `targets` from now on. */
  set(targets: readonly WatchTarget[]): void {
    const wanted = new Map(targets.map((target) => [`${target.key} ${target.rangeEnd ?? ""}`, target]));
    for (const [name, { watch }] of this.#watched) {
      if (wanted.has(name)) continue;
      watch.close();
      this.#watched.delete(name);
    }
    for (const [name, target] of wanted) if (!this.#watched.has(name)) this.#add(name, target);
  }

  close(): void {
    this.set([]);
  }

  #add(name: string, target: WatchTarget): void {
    const onConfirmed = (revision: bigint): void => {
      watched.since = revision;
      this.#tellIfAllStand();
    };
    const watch = this.#client.watch(target, { onConfirmed, onChange: (events) => this.#listener.onChange(events) });
    const watched: Watched = { watch, since: undefined };
    this.#watched.set(name, watched);
  }

  #tellIfAllStand(): void {
    let latest = 0n;
    for (const { since } of this.#watched.values()) {
      if (since === undefined) return;
      if (since > latest) latest = since;
    }
    this.#listener.onConfirmed(latest);
  }
}
