import { orLate } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { GrpcError, status } from "../grpc/status.ts";
import type { Connection, TryOptions } from "./connection.ts";

/** What one endpoint is reached by. */
export interface Reachable {
  /** `host:port`. */
  readonly endpoint: string;
  /** How many requests have been answered. */
  readonly answers: number;
  /** Throws the connection away; the next request opens another. */
  discard(): void;
}

/** A way to find endpoints besides those that were given. */
export interface EndpointSearch {
  /** In which state of things it is tried. */
  readonly when: "failing" | "answering";
  /** The least time between two tries, in milliseconds. */
  readonly pauseMs: number;
  /** Rejects with a {@link GrpcError}, as a request does. */
  find(): Promise<readonly string[]>;
}

interface SearchState {
  readonly search: EndpointSearch;
  notBefore: number;
  latest: Promise<void>;
  found: readonly string[];
}

/** The endpoints of a cluster, those given and those found, with a connection each; and which of them answered last. */
export class EndpointSet<Means extends Reachable = Connection> {
  readonly #given: readonly string[];
  readonly #connect: (endpoint: string) => Means;
  readonly #clock: Clock;
  readonly #searches: SearchState[] = [];
  #connections: readonly Means[];
  #preferred = 0;

  constructor(given: readonly string[], connect: (endpoint: string) => Means, clock: Clock) {
    this.#given = given;
    this.#connect = connect;
    this.#clock = clock;
    this.#connections = given.map(connect);
  }

  get size(): number {
    return this.#connections.length;
  }

  /** The connection to try first; `undefined` as long as no endpoint has been found. */
  get preferred(): Means | undefined {
    return this.#connections[this.#preferred];
  }

  add(search: EndpointSearch): void {
    this.#searches.push({ search, notBefore: Number.NEGATIVE_INFINITY, latest: Promise.resolve(), found: [] });
  }

  /** The endpoint did not answer: others are tried before it from now on. */
  demote(connection: Means | undefined): void {
    if (connection !== undefined && connection === this.preferred)
      this.#preferred = (this.#preferred + 1) % this.#connections.length;
  }

  /** The first connection, where none is known yet. Rejects when the search fails, or takes too long. */
  async findFirst({ timeoutMs, signal }: TryOptions): Promise<Means> {
    const late = (): GrpcError => new GrpcError(status.DEADLINE_EXCEEDED, "no answer");
    await orLate(this.#searchWhere("failing"), this.#clock, timeoutMs, late, signal);
    if (this.preferred === undefined) throw new GrpcError(status.UNAVAILABLE, "it names no endpoint");
    return this.preferred;
  }

  /** Has searches made, where it is time to; what they find is used when they have found it. */
  searchLater(when: EndpointSearch["when"]): void {
    if (this.#searches.length > 0) this.#searchWhere(when).catch(() => {});
  }

  /** Throws all connections away. */
  discard(): void {
    for (const connection of this.#connections) connection.discard();
  }

  async #searchWhere(when: EndpointSearch["when"]): Promise<void> {
    for (const state of this.#searches) {
      if (state.search.when !== when) continue;
      if (this.#clock.now() >= state.notBefore) state.latest = this.#search(state);
      await state.latest;
    }
  }

  async #search(state: SearchState): Promise<void> {
    state.notBefore = Number.POSITIVE_INFINITY;
    try {
      state.found = await state.search.find();
    } finally {
      state.notBefore = this.#clock.now() + state.search.pauseMs;
    }
    const { preferred } = this;
    const wanted = new Set([...this.#given, ...this.#searches.flatMap(({ found }) => found)]);
    const kept = new Map(this.#connections.map((connection) => [connection.endpoint, connection]));
    this.#connections = [...wanted].map((endpoint) => kept.get(endpoint) ?? this.#connect(endpoint));
    for (const [endpoint, connection] of kept) if (!wanted.has(endpoint)) connection.discard();
    this.#preferred = Math.max(0, preferred === undefined ? 0 : this.#connections.indexOf(preferred));
  }
}
