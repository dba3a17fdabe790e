import { type Signal, sleep } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { formatDurationMs } from "../duration.ts";
import { type EndpointFailure, EtcdRefusedError, EtcdUnavailableError } from "../errors.ts";
import { GrpcError, status, statusName } from "../grpc/status.ts";
import type { Connection, TryOptions } from "./connection.ts";
import { explainConnectionFailure } from "./connection-failure.ts";
import type { EndpointSet, Reachable } from "./endpoint-set.ts";
import type { CallOptions } from "./etcd-client.ts";
import { wasTurnedAway } from "./login.ts";
import { mayAnswerElsewhere } from "./status.ts";

/** One answer, and when the try that it answers was sent. */
export interface Settled<T> {
  readonly response: T;
  readonly sentAt: number;
  readonly unsettled: boolean;
}

/** How long one endpoint may take to answer one try, in milliseconds, where nothing else is said. */
export const defaultTryTimeoutMs = 1_000;
const firstPauseMs = 25;
const longestPauseMs = 500;
/** A try of an endpoint that is overloaded may last so many times as long as the first one. */
const mostPatience = 16;

/** Has every call begin with the endpoint that answered last, and go on to others. */
export class EndpointRotation<Means extends Reachable = Connection> {
  readonly #endpoints: EndpointSet<Means>;
  readonly #clock: Clock;

  constructor(endpoints: EndpointSet<Means>, clock: Clock) {
    this.#endpoints = endpoints;
    this.#clock = clock;
  }

  /**
   * Tries until an endpoint answers.
   *
   * @throws EtcdRefusedError when one says no; EtcdUnavailableError when time is up; the signal's reason.
   */
  async call<T>(
    send: (connection: Means, options: TryOptions) => Promise<T>,
    options: CallOptions,
  ): Promise<Settled<T>> {
    const giveUpAt = this.#clock.now() + options.timeoutMs;
    const failures = new Map<string, string>();
    let tryTimeoutMs = options.tryTimeoutMs ?? defaultTryTimeoutMs;
    const longestTryMs = tryTimeoutMs * mostPatience;
    for (let tries = 0; ; tries += 1) {
      options.signal?.throwIfAborted();
      const sentAt = this.#clock.now();
      const timeoutMs = Math.max(1, Math.min(tryTimeoutMs, giveUpAt - sentAt));
      const tryOptions = { timeoutMs, signal: options.signal };
      let connection = this.#endpoints.preferred;
      const answersBefore = connection?.answers;
      try {
        connection ??= await this.#endpoints.findFirst(tryOptions);
        const response = await send(connection, tryOptions);
        this.#endpoints.searchLater("answering");
        return { response, sentAt, unsettled: tries > 0 };
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        const endpoint = connection?.endpoint ?? "DNS";
        const message = explainFailedTry(error, endpoint, timeoutMs);
        noteFailure(failures, endpoint, message, timeoutMs < tryTimeoutMs);
        if (isSlow(error, connection, answersBefore)) tryTimeoutMs = Math.min(longestTryMs, tryTimeoutMs * 2);
        this.#endpoints.demote(connection);
        options.onFailedTry?.(endpoint, message);
        if (!mayRepeat(error, options) || this.#clock.now() >= giveUpAt)
          throw unavailable(listFailures(failures), options.timeoutMs, error);
      }
      await this.#pause(tries, giveUpAt, options.signal);
    }
  }

  /** No pause before another endpoint's first try; then longer and longer ones, with jitter so that clients spread. */
  async #pause(tries: number, giveUpAt: number, signal: Signal | undefined): Promise<void> {
    const rounds = Math.floor((tries + 1) / Math.max(1, this.#endpoints.size));
    if (rounds === 0) return;
    this.#endpoints.searchLater("failing");
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(rounds, 10));
    const pauseMs = longest * (0.5 + Math.random() / 2);
    await sleep(this.#clock, Math.min(pauseMs, Math.max(0, giveUpAt - this.#clock.now())), signal);
  }
}

/** The last try, cut short, says less than the one before. */
function noteFailure(failures: Map<string, string>, endpoint: string, message: string, isCutShort: boolean): void {
  if (!(isCutShort && failures.has(endpoint))) failures.set(endpoint, message);
}

/** Others are answered: it is slow, not silent, and asking as impatiently again would only add to its load. */
function isSlow(error: unknown, connection: Reachable | undefined, answersBefore: number | undefined): boolean {
  if (connection === undefined || answersBefore === undefined || wasTurnedAway(error)) return false;
  return connection.answers > answersBefore;
}

/** Whoever was turned away has had nothing carried out. */
function mayRepeat(error: unknown, { once }: CallOptions): boolean {
  return once !== true || wasTurnedAway(error);
}

/** In words, how a try failed. @throws EtcdRefusedError when the failure is an answer; anything that is no gRPC error. */
function explainFailedTry(error: unknown, endpoint: string, timeoutMs: number): string {
  if (!(error instanceof GrpcError)) throw error;
  if (!mayAnswerElsewhere(error.code)) {
    const name = statusName(error.code);
    throw new EtcdRefusedError(`etcd at ${endpoint} refused: ${error.message} (${name})`, name, endpoint, {
      cause: error,
    });
  }
  if (error.code === status.DEADLINE_EXCEEDED) return `no answer within ${Math.round(timeoutMs)} ms`;
  return explainConnectionFailure(error.message);
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
  const question = words.includes("?") ? "" : " Is it running, and is this its address?";
  const message = `etcd could not be reached for ${formatDurationMs(timeoutMs)} (${words}).${question}`;
  return new EtcdUnavailableError(message, failures, cause === undefined ? {} : { cause });
}
