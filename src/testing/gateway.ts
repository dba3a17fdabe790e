import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { EtcdTls } from "./certificates.ts";

/** Where a member's HTTP gateway is: at the address for clients. */
export interface Gateway {
  /** `host:port`. */
  readonly endpoint: string;
  /** What a client needs, when the members speak TLS. */
  readonly tls: EtcdTls | undefined;
}

/** What to ask. */
export interface GatewayCall {
  readonly path: string;
  /** For POST: what to send, as JSON. Without it, the call is a GET. */
  readonly body?: object;
  /** Of a user that has said who it is. */
  readonly token?: string | undefined;
  readonly timeoutMs: number;
}

/** The body of a good answer, over a connection of its own. Rejects for everything else. */
export function askGateway({ endpoint, tls }: Gateway, { path, body, token, timeoutMs }: GatewayCall): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = `${tls === undefined ? "http" : "https"}://${endpoint}${path}`;
    const method = body === undefined ? "GET" : "POST";
    const headers = token === undefined ? {} : { authorization: token };
    const options = { method, headers, agent: false, signal: AbortSignal.timeout(timeoutMs), ...tls };
    const call = (tls === undefined ? httpRequest : httpsRequest)(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${method} ${url} was answered with ${response.statusCode}: ${text.trim()}`));
      });
    });
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
