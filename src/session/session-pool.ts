import { linkSignals, onAbort, orAborted, sharedAbortController, sleep } from "../abort.ts";
import type { Alarm, Clock } from "../clock.ts";
import { EtcdLockError } from "../errors.ts";
import { listFailures, unavailable } from "../etcd/endpoint-rotation.ts";
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
/** How long a session that nobody waits for any more may take to be opened, to be closed then, in milliseconds. */
const openingGraceMs = 1_000;

/** A session, or one that is being opened for as long as anybody waits for it. */
interface Opening {
  readonly session: Promise<Session>;
  readonly controller: AbortController;
  /** The last failure of each endpoint meanwhile. */
  readonly failures: Map<string, string>;
  takers: number;
  isOpen: boolean;
}

/** The sessions of one client: one a TTL, opened when first needed, and closed when no longer used. */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #openings = new Map<number, Opening>();
  /** Every session whose leases may still be there, and when to see whether it is to be closed. */
  readonly #open = new Map<Session, Alarm>();
  readonly #closed = sharedAbortController();

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  /**
   * The session for `ttl` seconds. Callers at the same time share one, each with a time limit of its own.
   *
   * @throws EtcdUnavailableError when its leases are not granted within `timeoutMs`; EtcdRefusedError; the signal's reason.
   */
  async take(ttl: number, timeoutMs: number, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const opening = this.#openings.get(ttl) ?? this.#begin(ttl);
    using limit = linkSignals(signal);
    const onTimeout = (): void => limit.abort(unavailable(listFailures(opening.failures), timeoutMs));
    const isLimited = timeoutMs !== Number.POSITIVE_INFINITY;
    const alarm = isLimited ? this.#options.clock.schedule(timeoutMs, onTimeout) : undefined;
    opening.takers += 1;
    try {
      return await orAborted(opening.session, limit.signal);
    } finally {
      alarm?.cancel();
      opening.takers -= 1;
      this.#abandonLater(ttl, opening);
    }
  }

  /** Ends every session with its leases. Rejects when etcd did not answer in time: then the leases end by themselves. */
  async close(): Promise<void> {
    await this.#awaitOpenings();
    this.#closed.abort(new EtcdLockError("CLOSED", "the sessions have been closed"));
    for (const [ttl, opening] of this.#openings) this.#abandon(ttl, opening);
    await Promise.all([...this.#open.keys()].map((session) => this.#close(session, closeTimeoutMs.asked)));
  }

  /** Ends the sessions that nobody uses now, instead of a little later. For a process that is about to end. */
  async closeIdle(): Promise<void> {
    const idle = [...this.#open.keys()].filter((session) => !session.isInUse);
    await Promise.all(idle.map((session) => this.#close(session, closeTimeoutMs.byItself)));
  }

  /** Leases that are being granted can only be ended once they are there. */
  async #awaitOpenings(): Promise<void> {
    using limit = linkSignals();
    const sessions = [...this.#openings.values()].map(({ session }) => session);
    const grace = sleep(this.#options.clock, openingGraceMs, limit.signal).catch(() => {});
    await Promise.race([Promise.allSettled(sessions), grace]);
    limit.abort(undefined);
  }

  #begin(ttl: number): Opening {
    const controller = new AbortController();
    const failures = new Map<string, string>();
    const session = this.#openSession(ttl, controller.signal, failures);
    const opening: Opening = { session, controller, failures, takers: 0, isOpen: false };
    this.#openings.set(ttl, opening);
    session.then(
      (opened) => {
        opening.isOpen = true;
        onAbort(opened.signal, () => this.#abandon(ttl, opening));
      },
      () => this.#abandon(ttl, opening),
    );
    return opening;
  }

  /** A grant that is cut short may be carried out all the same: nearly always it is answered in a moment. */
  #abandonLater(ttl: number, opening: Opening): void {
    const isUnwanted = (): boolean => opening.takers === 0 && !opening.isOpen;
    const abandonIfUnwanted = (): void => {
      if (isUnwanted()) this.#abandon(ttl, opening);
    };
    if (isUnwanted()) this.#options.clock.schedule(openingGraceMs, abandonIfUnwanted, false);
  }

  /** Whoever takes a session from now on gets another. */
  #abandon(ttl: number, opening: Opening): void {
    opening.controller.abort(new EtcdLockError("CLOSED", "nobody waits for this session any more"));
    if (this.#openings.get(ttl) === opening) this.#openings.delete(ttl);
  }

  async #openSession(ttl: number, signal: AbortSignal, failures: Map<string, string>): Promise<Session> {
    const { client, clock, onRenewalFailed } = this.#options;
    const session: Session = await Session.open(client, clock, {
      ttl,
      signal,
      onFailedTry: (endpoint, message) => failures.set(endpoint, message),
      onRenewalFailed,
      onIdle: () => this.#closeLater(session),
    });
    this.#closeLater(session);
    return session;
  }

  /** Closes a session that is still idle in `delayMs`, and while etcd is away tries again, less and less often. */
  #closeLater(session: Session, delayMs: number = lingerMs): void {
    this.#open.get(session)?.cancel();
    const tryAgain = (): void => {
      if (!this.#closed.signal.aborted) this.#closeLater(session, delayMs * 2);
    };
    const closeIfIdle = (): void => {
      if (session.isIdle) this.#close(session, closeTimeoutMs.byItself).catch(tryAgain);
    };
    this.#open.set(session, this.#options.clock.schedule(delayMs, closeIfIdle, false));
  }

  async #close(session: Session, timeoutMs: number): Promise<void> {
    if (!this.#open.has(session)) return;
    this.#open.get(session)?.cancel();
    this.#open.delete(session);
    await session.close(timeoutMs);
  }
}
