import { orAborted, Scope, type Signal, sleep } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { DeadlineAlarm, type Due } from "../deadline-alarm.ts";
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
  /** The session, once it is open. */
  opened: Session | undefined;
  readonly scope: Scope;
  /** The last failure of each endpoint meanwhile. */
  readonly failures: Map<string, string>;
  takers: number;
}

/** When a session is to be closed, if nobody uses it until then. */
interface Lingering extends Due {
  closeAt: number;
  delayMs: number;
}

/** The sessions of one client: one a TTL, opened when first needed, and closed when no longer used. */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #openings = new Map<number, Opening>();
  /** Every session whose leases may still be there, and when it is to be closed. */
  readonly #open = new Map<Session, Lingering>();
  readonly #lingers: DeadlineAlarm;
  readonly #closed = new Scope();

  constructor(options: SessionPoolOptions) {
    this.#options = options;
    this.#lingers = new DeadlineAlarm(options.clock, false);
  }

  /**
   * The session for `ttl` seconds: at once where it is open. Callers at the same time share one, each with a time limit of
   * its own.
   *
   * @throws EtcdUnavailableError when its leases are not granted within `timeoutMs`; EtcdRefusedError; the signal's reason.
   */
  take(ttl: number, timeoutMs: number, signal: Signal): Session | Promise<Session> {
    signal.throwIfAborted();
    const opening = this.#openings.get(ttl) ?? this.#begin(ttl);
    return opening.opened ?? this.#awaitOpening(ttl, opening, timeoutMs, signal);
  }

  async #awaitOpening(ttl: number, opening: Opening, timeoutMs: number, signal: Signal): Promise<Session> {
    using limit = new Scope(signal);
    const onTimeout = (): void => limit.abort(unavailable(listFailures(opening.failures), timeoutMs));
    const isLimited = timeoutMs !== Number.POSITIVE_INFINITY;
    const alarm = isLimited ? this.#options.clock.schedule(timeoutMs, onTimeout) : undefined;
    opening.takers += 1;
    try {
      return await orAborted(opening.session, limit);
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
    using limit = new Scope();
    const sessions = [...this.#openings.values()].map(({ session }) => session);
    const grace = sleep(this.#options.clock, openingGraceMs, limit).catch(() => {});
    await Promise.race([Promise.allSettled(sessions), grace]);
    limit.abort(undefined);
  }

  #begin(ttl: number): Opening {
    const scope = new Scope();
    const failures = new Map<string, string>();
    const session = this.#openSession(ttl, scope, failures);
    const opening: Opening = { session, opened: undefined, scope, failures, takers: 0 };
    this.#openings.set(ttl, opening);
    session.then(
      (opened) => {
        opening.opened = opened;
        opened.ended.onAbort(() => this.#abandon(ttl, opening));
      },
      () => this.#abandon(ttl, opening),
    );
    return opening;
  }

  /** A grant that is cut short may be carried out all the same: nearly always it is answered in a moment. */
  #abandonLater(ttl: number, opening: Opening): void {
    const isUnwanted = (): boolean => opening.takers === 0 && opening.opened === undefined;
    const abandonIfUnwanted = (): void => {
      if (isUnwanted()) this.#abandon(ttl, opening);
    };
    if (isUnwanted()) this.#options.clock.schedule(openingGraceMs, abandonIfUnwanted, false);
  }

  /** Whoever takes a session from now on gets another. */
  #abandon(ttl: number, opening: Opening): void {
    opening.scope.abort(new EtcdLockError("CLOSED", "nobody waits for this session any more"));
    if (this.#openings.get(ttl) === opening) this.#openings.delete(ttl);
  }

  async #openSession(ttl: number, signal: Scope, failures: Map<string, string>): Promise<Session> {
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

  /** Closes a session once it has been idle for `delayMs`, and while etcd is away tries again, less and less often. */
  #closeLater(session: Session, delayMs: number = lingerMs): void {
    const lingering = this.#open.get(session) ?? this.#linger(session);
    lingering.closeAt = this.#options.clock.now() + delayMs;
    lingering.delayMs = delayMs;
    this.#lingers.lookAt(lingering);
  }

  #linger(session: Session): Lingering {
    const lingering: Lingering = {
      closeAt: Number.POSITIVE_INFINITY,
      delayMs: lingerMs,
      get dueAt() {
        return session.isIdle ? this.closeAt : Number.POSITIVE_INFINITY;
      },
      onDue: () => {
        const tryAgain = (): void => {
          if (!this.#closed.aborted) this.#closeLater(session, lingering.delayMs * 2);
        };
        this.#close(session, closeTimeoutMs.byItself).catch(tryAgain);
      },
    };
    this.#open.set(session, lingering);
    this.#lingers.add(lingering);
    return lingering;
  }

  async #close(session: Session, timeoutMs: number): Promise<void> {
    const lingering = this.#open.get(session);
    if (lingering === undefined) return;
    this.#lingers.remove(lingering);
    this.#open.delete(session);
    await session.close(timeoutMs);
  }
}
