import { linkSignals, onAbort, orAborted, sharedAbortController } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { EtcdLockError } from "../errors.ts";
import type { EtcdClient } from "../etcd/etcd-client.ts";
import { Session } from "./session.ts";

export interface SessionPoolOptions {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly onRenewalFailed: (error: Error) => void;
}

/** A session that nobody uses is kept for so long, in milliseconds: who locks again soon finds its leases there. */
const lingerMs = 1_000;
/** How long a session tries to end its leases before they are left to time, in milliseconds: asked to, and by itself. */
const closeTimeoutMs = { asked: 4_000, byItself: 1_000 };

/** How long closing waits for sessions that are being opened, in milliseconds. */
const openingGraceMs = 1_000;

/** The sessions of one client: one a TTL, opened when first needed, and closed when no longer used. */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #byTtl = new Map<number, Promise<Session>>();
  /** Every session whose leases may still be there. */
  readonly #open = new Set<Session>();
  readonly #closed = sharedAbortController();

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  /**
   * The session for `ttl` seconds. Callers at the same time share one.
   *
   * @throws EtcdUnavailableError when its leases are not granted within `timeoutMs`; EtcdRefusedError; the signal's reason.
   */
  async take(ttl: number, timeoutMs: number, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const opening = this.#byTtl.get(ttl) ?? this.#begin(ttl, timeoutMs);
    return await orAborted(opening, signal);
  }

  /** Ends every session with its leases. Rejects when etcd did not answer in time: then the leases end by themselves. */
  async close(): Promise<void> {
    await this.#awaitOpenings();
    this.#closed.abort(new EtcdLockError("CLOSED", "the sessions have been closed"));
    await Promise.all([...this.#open].map((session) => this.#close(session, closeTimeoutMs.asked)));
  }

  /** Ends the sessions that nobody uses now, instead of a little later. For a process that is about to end. */
  async closeIdle(): Promise<void> {
    const idle = [...this.#open].filter((session) => !session.isInUse);
    await Promise.all(idle.map((session) => this.#close(session, closeTimeoutMs.byItself)));
  }

  /** Leases that are being granted can only be ended once they are there. */
  async #awaitOpenings(): Promise<void> {
    using limit = linkSignals();
    const alarm = this.#options.clock.schedule(openingGraceMs, () => limit.abort(undefined));
    await orAborted(Promise.allSettled(this.#byTtl.values()), limit.signal).catch(() => {});
    alarm.cancel();
  }

  #begin(ttl: number, timeoutMs: number): Promise<Session> {
    const opening = this.#openSession(ttl, timeoutMs);
    this.#byTtl.set(ttl, opening);
    const forget = (): void => {
      if (this.#byTtl.get(ttl) === opening) this.#byTtl.delete(ttl);
    };
    opening.then((session) => onAbort(session.signal, forget), forget);
    return opening;
  }

  async #openSession(ttl: number, timeoutMs: number): Promise<Session> {
    const { client, clock, onRenewalFailed } = this.#options;
    const session: Session = await Session.open(client, clock, {
      ttl,
      timeoutMs,
      signal: this.#closed.signal,
      onRenewalFailed,
      onIdle: () => this.#closeLater(session),
    });
    this.#open.add(session);
    this.#closeLater(session);
    return session;
  }

  #closeLater(session: Session): void {
    const closeIfIdle = (): void => {
      if (session.isIdle) this.#close(session, closeTimeoutMs.byItself).catch(() => this.#closeAgain(session));
    };
    this.#options.clock.schedule(lingerMs, closeIfIdle, false);
  }

  /** etcd was away: the lease of the hold records would outlive the session by many TTLs. */
  #closeAgain(session: Session): void {
    if (this.#closed.signal.aborted) return;
    this.#open.add(session);
    this.#closeLater(session);
  }

  async #close(session: Session, timeoutMs: number): Promise<void> {
    if (this.#open.delete(session)) await session.close(timeoutMs);
  }
}
