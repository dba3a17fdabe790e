import * as http from "node:http";
import * as https from "node:https";
import { onAbort } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { TryOptions } from "../etcd/connection.ts";
import { GrpcError, status } from "../grpc/status.ts";
import { messageOf } from "../message-of.ts";
import type { V2Access } from "./v2-access.ts";

export interface HttpRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  /** With the query. */
  readonly path: string;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>> | undefined;
  /** How long the body may take, once the answer has begun, in milliseconds; no longer than the rest by default. */
  readonly bodyTimeoutMs?: number | undefined;
}

export interface HttpResponse {
  readonly statusCode: number;
  readonly headers: http.IncomingHttpHeaders;
  /** `undefined` when it did not come within `bodyTimeoutMs`. */
  readonly body: string | undefined;
}

/** An answer tells of one key, whose value others may have written. */
const longestBody = 16 * 1024 * 1024;

/** HTTP to one endpoint. Connections are kept, and thrown away when they do not answer. */
export class HttpConnection {
  /** `host:port`. */
  readonly endpoint: string;
  readonly #clock: Clock;
  readonly #access: V2Access;
  readonly #agent: http.Agent;
  #answers = 0;

  constructor(endpoint: string, access: V2Access, clock: Clock) {
    this.endpoint = endpoint;
    this.#access = access;
    this.#clock = clock;
    this.#agent = new (access.tls === undefined ? http : https).Agent({ keepAlive: true });
  }

  /** How many requests have been answered. */
  get answers(): number {
    return this.#answers;
  }

  /** Sends one request, once. Rejects with a {@link GrpcError}, or with the signal's reason. */
  send(words: HttpRequest, { timeoutMs, signal }: TryOptions): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const request = this.#begin(words);
      const settle = (conclude: () => void): void => {
        alarm.cancel();
        stopListening();
        conclude();
      };
      const fail = (error: unknown): void => {
        settle(() => reject(error));
        request.destroy();
      };
      let alarm = this.#clock.schedule(timeoutMs, () => fail(late()));
      const stopListening = signal === undefined ? () => {} : onAbort(signal, fail);
      request.on("error", (error) => fail(broken(error)));
      request.on("response", (response) => {
        this.#answers += 1;
        const { statusCode = 0, headers } = response;
        const finish = (body: string | undefined): void => settle(() => resolve({ statusCode, headers, body }));
        if (words.bodyTimeoutMs !== undefined) {
          alarm.cancel();
          alarm = this.#clock.schedule(words.bodyTimeoutMs, () => {
            finish(undefined);
            request.destroy();
          });
        }
        readAll(response).then(finish, (error) => fail(error instanceof GrpcError ? error : broken(error)));
      });
      request.end(words.form === undefined ? undefined : new URLSearchParams(words.form).toString());
    });
  }

  /** Throws connections away; the next request opens another. Requests under way fail. */
  discard(): void {
    this.#agent.destroy();
  }

  #begin({ method, path, form }: HttpRequest): http.ClientRequest {
    const { tls, auth } = this.#access;
    const options: https.RequestOptions = {
      method,
      path,
      agent: this.#agent,
      ...(auth !== undefined && { auth: auth() }),
      headers: form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" },
    };
    if (tls === undefined) return http.request(`http://${this.endpoint}`, options);
    return https.request(`https://${this.endpoint}`, { ...options, ...tls() });
  }
}

/** @throws GrpcError when it is longer than {@link longestBody}. */
async function readAll(response: http.IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    if (text.length <= longestBody) continue;
    throw new GrpcError(
      status.RESOURCE_EXHAUSTED,
      `the answer is too long: at most ${longestBody} characters are read`,
    );
  }
  return text;
}

function late(): Error {
  return new GrpcError(status.DEADLINE_EXCEEDED, "no answer");
}

function broken(cause: unknown): Error {
  return new GrpcError(status.UNAVAILABLE, messageOf(cause), cause);
}
