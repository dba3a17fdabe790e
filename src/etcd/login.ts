import { orLate } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { Headers } from "../grpc/channel.ts";
import { GrpcError, status } from "../grpc/status.ts";
import { show } from "../show.ts";
import type { Connection, TryOptions } from "./connection.ts";
import { authenticate } from "./methods.ts";
import { type EtcdUserOptions, openPassword } from "./password.ts";
import { mayAnswerElsewhere } from "./status.ts";

/** What etcd gave us for our password. */
export interface Ticket {
  /** Without a token, while the cluster does not ask who its clients are. */
  readonly headers: Headers | undefined;
  /** Whether a request has been answered with it. */
  hasServed: boolean;
}

/** Checking a password takes etcd a while, on purpose: a login goes on when those who wait for it have no more time. */
const loginTimeoutMs = 5_000;
/** After a login that was in vain, so long passes before the next, in milliseconds: twice as long each time, at most the second. */
const firstPauseMs = 500;
const longestPauseMs = 5_000;

/** A token that has expired, that a member has forgotten, or that is older than the last change of users and roles. */
const staleCodes: ReadonlySet<number> = new Set([status.UNAUTHENTICATED, status.INVALID_ARGUMENT]);

const unavailable: ReadonlySet<number> = new Set([status.UNAVAILABLE]);

/** The cluster does not ask who its clients are. */
const authNotEnabled: ReadonlySet<number> = new Set([status.FAILED_PRECONDITION]);

/**
 * Logs in as one user, and again whenever etcd does not take the token any more. All callers share one token, and one
 * login an endpoint. After a login that was in vain, there is none for a while, unless the password is another one.
 */
export class Login {
  readonly userName: string;
  readonly #clock: Clock;
  readonly #readPassword: () => string;
  readonly #underWay = new Map<Connection, Promise<Ticket>>();
  #ticket: Ticket | undefined;
  #failures = 0;
  #notBefore = Number.NEGATIVE_INFINITY;
  #lastFailure: unknown;
  #lastPassword: string | undefined;

  /** @throws TypeError when the password file is of no use. */
  constructor(user: EtcdUserOptions, clock: Clock) {
    this.userName = user.name;
    this.#clock = clock;
    this.#readPassword = openPassword(user);
  }

  /**
   * Sends a request as the user; once more, with another token, when etcd does not take the one we have. When it does not
   * take that either, the try has failed, as if it had not been answered: see {@link turnedAway}. A request that is refused
   * for what it asks, with a token that is new, concerns nobody else.
   */
  async send<T>(
    send: (connection: Connection, options: TryOptions) => Promise<T>,
    connection: Connection,
    options: TryOptions,
  ): Promise<T> {
    const ticket = this.#ticket ?? (await this.take(connection, options));
    try {
      return await sendWith(ticket, send, connection, options);
    } catch (error) {
      if (!saysStale(error) || !(ticket.hasServed || concernsToken(error))) throw error;
      this.giveUp(ticket, error);
    }
    const another = await this.take(connection, options);
    try {
      return await sendWith(another, send, connection, options);
    } catch (error) {
      if (!concernsToken(error)) throw error;
      this.giveUp(another, error);
      throw turnedAway(error);
    }
  }

  /** The ticket that we have, or a new one. @throws GrpcError; the signal's reason. */
  async take(connection: Connection, { timeoutMs, signal }: TryOptions): Promise<Ticket> {
    if (this.#ticket !== undefined) return this.#ticket;
    if (this.#clock.now() < this.#notBefore && !this.#hasNewPassword()) throw this.#lastFailure;
    const login = this.#underWay.get(connection) ?? this.#begin(connection);
    const late = (): GrpcError => new GrpcError(status.DEADLINE_EXCEEDED, "no answer");
    return await orLate(login, this.#clock, timeoutMs, late, signal);
  }

  /** etcd did not take this ticket: the next request takes another. */
  giveUp(ticket: Ticket, error?: GrpcError): void {
    if (this.#ticket !== ticket) return;
    this.#ticket = undefined;
    if (ticket.hasServed) this.#failures = 0;
    else if (error !== undefined) this.#wasInVain(turnedAway(error));
  }

  /** Another password than the one that was refused may be right. */
  #hasNewPassword(): boolean {
    try {
      return this.#readPassword() !== this.#lastPassword;
    } catch {
      return false;
    }
  }

  #begin(connection: Connection): Promise<Ticket> {
    const login = this.#logIn(connection).finally(() => this.#underWay.delete(connection));
    // Those who waited may all have given up.
    login.catch(() => {});
    this.#underWay.set(connection, login);
    return login;
  }

  async #logIn(connection: Connection): Promise<Ticket> {
    const ticket = { headers: await this.#requestToken(connection), hasServed: false };
    this.#ticket ??= ticket;
    return this.#ticket;
  }

  async #requestToken(connection: Connection): Promise<Headers | undefined> {
    const options = { timeoutMs: loginTimeoutMs, signal: undefined };
    try {
      const password = this.#readPassword();
      this.#lastPassword = password;
      const { token } = await connection.unary(authenticate, { name: this.userName, password }, options);
      return { token };
    } catch (error) {
      if (hasCode(error, authNotEnabled)) return undefined;
      const refusal = this.#explain(error);
      if (refusal === undefined) throw error;
      // It was changed just now.
      if (this.#hasNewPassword()) return await this.#requestToken(connection);
      this.#wasInVain(refusal);
      throw refusal;
    }
  }

  /** What tells a refused login from a request that was refused; `undefined` when etcd was not reached. */
  #explain(error: unknown): GrpcError | undefined {
    const login = `the login of user ${show(this.userName)}`;
    if (error instanceof TypeError) return new GrpcError(status.UNAUTHENTICATED, `${login}: ${error.message}`, error);
    if (!(error instanceof GrpcError) || mayAnswerElsewhere(error.code)) return undefined;
    return new GrpcError(status.UNAUTHENTICATED, `${login}: ${error.message}`, error);
  }

  /** With jitter, so that not all clients of a cluster come again at the same time. */
  #wasInVain(error: unknown): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#notBefore = this.#clock.now() + pauseMs * (0.5 + Math.random() / 2);
    this.#lastFailure = error;
  }
}

/** Whether a request failed because of its token, perhaps. By code: texts differ between versions of etcd. */
export function saysStale(error: unknown): error is GrpcError {
  return hasCode(error, staleCodes);
}

/** Of the texts of etcd's refusals, only those that concern who is asking have these words. */
const ofToken = /\bauth\b|user name/;

/** Whether a request failed because of who is asking, surely. What etcd refuses for what it asks has the same code. */
export function concernsToken(error: unknown): error is GrpcError {
  return saysStale(error) && (error.code === status.UNAUTHENTICATED || ofToken.test(error.message));
}

/**
 * What etcd said of a token that it had just given: rights are being changed, or a member lags behind. That passes, and
 * another member may know better, so that it is asked again while there is time. Nothing has been carried out.
 */
function turnedAway(error: GrpcError): GrpcError {
  return new GrpcError(
    status.UNAVAILABLE,
    `a new token was not taken: are users being changed? (${error.message})`,
    error,
  );
}

/** Whether a try has failed as {@link turnedAway} says. */
export function wasTurnedAway(error: unknown): boolean {
  return hasCode(error, unavailable) && saysStale(error.cause);
}

async function sendWith<T>(
  ticket: Ticket,
  send: (connection: Connection, options: TryOptions) => Promise<T>,
  connection: Connection,
  options: TryOptions,
): Promise<T> {
  const response = await send(connection, { ...options, headers: ticket.headers });
  ticket.hasServed = true;
  return response;
}

function hasCode(error: unknown, codes: ReadonlySet<number>): error is GrpcError {
  return error instanceof GrpcError && codes.has(error.code);
}
