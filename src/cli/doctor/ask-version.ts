import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { Connection } from "../connection.ts";

/** What a member says of itself to whoever asks for `/version`, without a password. */
export interface MemberVersion {
  readonly version: string;
  /** Its time of day, to the second; `undefined` when it doesn't tell. */
  readonly date: Date | undefined;
}

const timeoutMs = 3_000;

/** @throws Error when it does not answer, or answers something else. */
export async function askVersion(endpoint: string, tls: Connection["tls"]): Promise<MemberVersion> {
  const url = new URL(
    "/version",
    /^https?:/.test(endpoint) ? endpoint : `${tls === undefined ? "http" : "https"}://${endpoint}`,
  );
  if (url.port === "" && !/:\d+\/?$/.test(endpoint)) url.port = "2379";
  const response = await get(url, tls);
  const { etcdserver } = JSON.parse(await text(response));
  if (typeof etcdserver !== "string") throw new Error("it does not answer as etcd does");
  const { date } = response.headers;
  return { version: etcdserver, date: date === undefined ? undefined : new Date(date) };
}

function get(url: URL, tls: Connection["tls"]): Promise<IncomingMessage> {
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === "https:"
        ? secureRequest(url, { signal, ...secrets(tls) }, resolve)
        : request(url, { signal }, resolve);
    sent.on("error", reject).end();
  });
}

function secrets(tls: Connection["tls"]): Record<string, unknown> {
  const { ca, cert, key, serverName } = typeof tls === "object" ? tls : {};
  const read = (file: unknown): unknown => (typeof file === "string" ? readFileSync(file) : file);
  return {
    ...(ca !== undefined && { ca: read(ca) }),
    ...(cert !== undefined && { cert: read(cert) }),
    ...(key !== undefined && { key: read(key) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
