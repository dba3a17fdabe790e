import type { Alarm, Clock } from "../clock.ts";
import type { Connection, Stream } from "./connection.ts";
import type { EndpointSet } from "./endpoint-set.ts";
import type { Watch, WatchListener, WatchTarget } from "./etcd-client.ts";
import { WatchCreateRequest, type WatchRequest, type WatchResponse } from "./gen/etcd.ts";
import { type Login, saysStale, type Ticket } from "./login.ts";
import { watch as watchMethod } from "./methods.ts";
import { decodeEvent, encodeKey, noPutFilter } from "./wire.ts";

type Call = Stream<WatchRequest>;

/** One watch, and who is told. */
class Subscription implements Watch {
  readonly id: bigint;
  readonly target: WatchTarget;
  readonly listener: WatchListener;
  readonly #stream: WatchStream;

  constructor(stream: WatchStream, id: bigint, target: WatchTarget, listener: WatchListener) {
    this.#stream = stream;
    this.id = id;
    this.target = target;
    this.listener = listener;
  }

  close(): void {
    this.#stream.unsubscribe(this);
  }
}

/** The one stream that carries all watches of a client: closed while there are none, opened again when it breaks. */
type State =
  | { readonly kind: "closed" }
  | { readonly kind: "logging in"; readonly controller: AbortController }
  | {
      readonly kind: "open";
      readonly call: Call;
      readonly connection: Connection;
      readonly ticket: Ticket | undefined;
      heard: boolean;
      readonly check: Alarm;
    }
  | { readonly kind: "waiting"; readonly alarm: Alarm };

/** A stream from which nothing has come for so long, though it was asked for a sign of life, is given up. */
const silenceMs = 2_000;
const reopenPauseMs = 100;
const longestPauseMs = 5_000;
/** So long the stream stays open after its last watch, in milliseconds. It keeps the process alive. */
const lingerMs = 200;

/** No state that was read is known to be as new. */
const latestRevision = 2n ** 63n - 1n;

/** Many watches on one stream, told apart by ids of ours. Watches survive the stream, and are confirmed again. */
export class WatchStream {
  readonly #endpoints: EndpointSet;
  readonly #login: Login | undefined;
  readonly #clock: Clock;
  readonly #subscriptions = new Map<bigint, Subscription>();
  #state: State = { kind: "closed" };
  #nextId = 1n;
  /** How often in a row a watch was refused soon after the stream had been opened. */
  #refusals = 0;
  #lingering: Alarm | undefined;

  constructor(endpoints: EndpointSet, login: Login | undefined, clock: Clock) {
    this.#endpoints = endpoints;
    this.#login = login;
    this.#clock = clock;
  }

  watch(target: WatchTarget, listener: WatchListener): Watch {
    const subscription = new Subscription(this, this.#nextId, target, listener);
    this.#nextId += 1n;
    this.#subscriptions.set(subscription.id, subscription);
    if (this.#state.kind === "open") this.#create(this.#state.call, subscription);
    else if (this.#state.kind === "closed") this.#open();
    return subscription;
  }

  close(): void {
    this.#lingering?.cancel();
    this.#subscriptions.clear();
    this.#end();
  }

  /** By {@link Watch.close}. */
  unsubscribe({ id }: { readonly id: bigint }): void {
    if (!this.#subscriptions.delete(id)) return;
    if (this.#subscriptions.size === 0) this.#endLater();
    if (this.#state.kind === "open") {
      this.#state.call.send({ requestUnion: { $case: "cancelRequest", value: { watchId: id } } });
    }
  }

  /** Who waits again soon finds the stream there. */
  #endLater(): void {
    this.#lingering?.cancel();
    const endIfUnused = (): void => {
      if (this.#subscriptions.size === 0) this.#end();
    };
    this.#lingering = this.#clock.schedule(lingerMs, endIfUnused, false);
  }

  #open(): void {
    const connection = this.#endpoints.preferred;
    if (connection === undefined) this.#reopenLater();
    else if (this.#login === undefined) this.#start(connection, undefined);
    else void this.#logIn(connection, this.#login);
  }

  async #logIn(connection: Connection, login: Login): Promise<void> {
    const controller = new AbortController();
    this.#state = { kind: "logging in", controller };
    try {
      const ticket = await login.take(connection, { timeoutMs: silenceMs, signal: controller.signal });
      if (!controller.signal.aborted) this.#start(connection, ticket);
    } catch (error) {
      // What refuses us is told to those who read: whoever watches reads, too.
      if (saysStale(error)) this.#refusals += 1;
      if (!controller.signal.aborted) this.#reopenLater();
    }
  }

  #start(connection: Connection, ticket: Ticket | undefined): void {
    // A member that has no leader must end the stream, or a watch on a cut-off member would be silent for ever.
    const headers = { ...ticket?.headers, hasleader: "true" };
    const call: Call = connection.stream(watchMethod, headers, {
      onResponse: (response) => this.#receive(call, response),
      // What ended the stream does not matter: every watch is made again elsewhere, and its owner reads again.
      onEnd: (error) => (saysStale(error) ? this.#refused(call) : this.#reopen(call)),
    });
    this.#state = { kind: "open", call, connection, ticket, heard: false, check: this.#checkLater(call) };
    for (const subscription of this.#subscriptions.values()) this.#create(call, subscription);
  }

  #create(call: Call, { id, target }: Subscription): void {
    const value = WatchCreateRequest.fromPartial({
      watchId: id,
      key: encodeKey(target.key),
      rangeEnd: encodeKey(target.rangeEnd),
      filters: target.deletionsOnly === true ? [noPutFilter] : [],
    });
    call.send({ requestUnion: { $case: "createRequest", value } });
  }

  #receive(call: Call, response: WatchResponse): void {
    if (this.#state.kind !== "open" || this.#state.call !== call) return;
    this.#state.heard = true;
    const subscription = this.#subscriptions.get(response.watchId);
    // A watch that was refused may come without its id.
    if (response.canceled && response.created) this.#refused(call);
    else if (subscription === undefined) return;
    else if (response.canceled) this.#reopen(call);
    else if (response.created) subscription.listener.onConfirmed(response.header?.revision ?? latestRevision);
    else if (response.events.length > 0) subscription.listener.onChange(response.events.map(decodeEvent));
  }

  #checkLater(call: Call): Alarm {
    return this.#clock.schedule(silenceMs, () => this.#check(call), false);
  }

  #check(call: Call): void {
    if (this.#state.kind !== "open" || this.#state.call !== call) return;
    if (!this.#state.heard) {
      // Perhaps a connection whose other end is gone without a word: nothing else need be using it, and so find out.
      this.#state.connection.discard();
      this.#reopen(call);
      return;
    }
    this.#refusals = 0;
    call.send({ requestUnion: { $case: "progressRequest", value: {} } });
    this.#state = { ...this.#state, heard: false, check: this.#checkLater(call) };
  }

  /** The token is too old, or the user may not see this: that is told to those who read, and whoever watches reads, too. */
  #refused(call: Call): void {
    if (this.#state.kind !== "open" || this.#state.call !== call) return;
    this.#refusals += 1;
    if (this.#state.ticket !== undefined) this.#login?.giveUp(this.#state.ticket);
    this.#reopen(call);
  }

  #reopen(call: Call): void {
    if (this.#state.kind !== "open" || this.#state.call !== call) return;
    this.#endpoints.demote(this.#state.connection);
    this.#end();
    this.#reopenLater();
  }

  #reopenLater(): void {
    const pauseMs = Math.min(longestPauseMs, reopenPauseMs * 2 ** this.#refusals);
    const alarm = this.#clock.schedule(pauseMs * (0.5 + Math.random()), () => this.#open());
    this.#state = { kind: "waiting", alarm };
  }

  #end(): void {
    if (this.#state.kind === "open") {
      this.#state.check.cancel();
      this.#state.call.cancel();
    } else if (this.#state.kind === "waiting") this.#state.alarm.cancel();
    else if (this.#state.kind === "logging in") this.#state.controller.abort();
    this.#state = { kind: "closed" };
  }
}
