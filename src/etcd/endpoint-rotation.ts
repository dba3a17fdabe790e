import { sleep } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { type EndpointFailure, EtcdRefusedError, EtcdUnavailableError } from "../errors.ts";
import type { Connection, TryOptions } from "./connection.ts";
import type { CallOptions } from "./etcd-client.ts";
import { mayAnswerElsewhere, statusName } from "./status.ts";

/** One answer, and when the try that it answers was sent. */
export interface Settled<T> {
  readonly response: T;
  readonly sentAt: number;
  readonly unsettled: boolean;
}

const defaultTryTimeoutMs = 1_000;
const firstPauseMs = 25;
const longestPauseMs = 500;

/** The endpoints of a cluster, and which of them answered last: every call begins with that one, and goes on to others. */
export class EndpointRotation {
  readonly #connections: readonly Connection[];
  readonly #clock: Clock;
  #preferred = 0;

  constructor(connections: readonly Connection[], clock: Clock) {
    this.#connections = connections;
    this.#clock = clock;
  }

  get preferred(): Connection {
    const connection = this.#connections[this.#preferred];
    if (connection === undefined) throw new RangeError("there must be an endpoint");
    return connection;
  }

  /** The endpoint did not answer: others are tried before it from now on. */
  demote(connection: Connection): void {
    if (connection === this.preferred) this.#preferred = (this.#preferred + 1) % this.#connections.length;
  }

  /**
   * Tries until an endpoint answers.
   *
   * @throws EtcdRefusedError when one says no; EtcdUnavailableError when time is up; the signal's reason.
   */
  async call<T>(
    send: (connection: Connection, options: TryOptions) => Promise<T>,
    options: CallOptions,
  ): Promise<Settled<T>> {
    const giveUpAt = this.#clock.now() + options.timeoutMs;
    const failures = new Map<string, string>();
    for (let tries = 0; ; tries += 1) {
      options.signal?.throwIfAborted();
      const connection = this.preferred;
      const sentAt = this.#clock.now();
      const fullTimeoutMs = options.tryTimeoutMs ?? defaultTryTimeoutMs;
      const timeoutMs = Math.max(1, Math.min(fullTimeoutMs, giveUpAt - sentAt));
      try {
        const response = await send(connection, { timeoutMs, signal: options.signal });
        return { response, sentAt, unsettled: tries > 0 };
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        const message = explainFailedTry(error, connection.endpoint, timeoutMs);
        // The last try, cut short, says less than the one before.
        if (timeoutMs === fullTimeoutMs || !failures.has(connection.endpoint))
          failures.set(connection.endpoint, message);
        this.demote(connection);
        options.onFailedTry?.(connection.endpoint, message);
        if (options.once === true || this.#clock.now() >= giveUpAt)
          throw unavailable(listFailures(failures), options.timeoutMs, error);
      }
      await this.#pause(tries, giveUpAt, options.signal);
    }
  }

  /** No pause before another endpoint's first try; then longer and longer ones, with jitter so that clients spread. */
  async #pause(tries: number, giveUpAt: number, signal: AbortSignal | undefined): Promise<void> {
    const rounds = Math.floor((tries + 1) / this.#connections.length);
    if (rounds === 0) return;
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(rounds, 10));
    const pauseMs = longest * (0.5 + Math.random() / 2);
    await sleep(this.#clock, Math.min(pauseMs, Math.max(0, giveUpAt - this.#clock.now())), signal);
  }
}

/** In words, how a try failed. @throws EtcdRefusedError when the failure is an answer; anything that is no gRPC error. */
function explainFailedTry(error: unknown, endpoint: string, timeoutMs: number): string {
  if (!isStatus(error)) throw error;
  if (!mayAnswerElsewhere(error.code)) {
    const name = statusName(error.code);
    throw new EtcdRefusedError(
      `etcd at ${endpoint} refused: ${error.details ?? error.message} (${name})`,
      name,
      endpoint,
      {
        cause: error,
      },
    );
  }
  if (statusName(error.code) === "DEADLINE_EXCEEDED") return `no answer within ${Math.round(timeoutMs)} ms`;
  return plainWords(error.details ?? error.message);
}

/** What grpc-js wraps the error of the operating system into is of no use to anybody here. */
function plainWords(details: string): string {
  return /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\.? Resolution note:/.exec(details)?.[1] ?? details;
}

function isStatus(error: unknown): error is { code: number; message: string; details?: string } {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

/** The last failure of each endpoint, as a list. */
export function listFailures(failures: ReadonlyMap<string, string>): readonly EndpointFailure[] {
  return [...failures].map(([endpoint, message]) => ({ endpoint, message }));
}

/** No endpoint has answered within `timeoutMs`. */
export function unavailable(
  failures: readonly EndpointFailure[],
  timeoutMs: number,
  cause?: unknown,
): EtcdUnavailableError {
  const words = failures.map(({ endpoint, message }) => `${endpoint}: ${message}`).join("; ") || "no try was answered";
  const message = `etcd could not be reached for ${timeoutMs / 1_000} s (${words}). Is it running, and is this its address?`;
  return new EtcdUnavailableError(message, failures, cause === undefined ? {} : { cause });
}
