import { show } from "../show.ts";

/** Where etcd is: `host:port`, `host`, a URL, several of them in an array or separated by commas, or options. */
export type EtcdSource = string | readonly string[] | EtcdOptions;

export interface EtcdOptions {
  /** Addresses as in {@link EtcdSource}: `host:port`, `host` (port 2379), or a URL; IPv6 in brackets. */
  readonly endpoints: string | readonly string[];
  /** Reserved for TLS; refused for now. */
  readonly tls?: object;
  /** Reserved for a user and password; refused for now. */
  readonly user?: object;
}

const defaultPort = 2379;
const accepted =
  'an address ("host:port", "host", "http://host:port", "[::1]:2379"), several of them in an array or separated by commas, ' +
  "or an object { endpoints }";

/**
 * The addresses meant by `source`, each as `host:port`, without duplicates.
 *
 * @throws TypeError that names what came and what is allowed.
 */
export function parseEtcdSource(source: unknown): readonly string[] {
  if (typeof source === "string" || Array.isArray(source)) return parseEndpoints(source);
  if (typeof source !== "object" || source === null) {
    throw new TypeError(`etcd must be ${accepted}; got ${show(source)}`);
  }
  refuseForeignClient(source);
  if (!("endpoints" in source)) throw new TypeError(`etcd must be ${accepted}; got ${show(source)}`);
  for (const option of ["tls", "user"]) {
    if (Reflect.get(source, option) !== undefined) {
      throw new TypeError(
        `etcd option ${option} is not supported yet: only clusters without TLS and without users are`,
      );
    }
  }
  return parseEndpoints(source.endpoints);
}

/** The client objects that 1.x took, and those of the package `etcd3`, are known by their shape. */
function refuseForeignClient(source: object): void {
  if ("watcher" in source && "compareAndDelete" in source) {
    throw new TypeError(
      "etcd is a node-etcd client, which speaks etcd's v2 API; this version takes an address of etcd's v3 API instead, " +
        `for example "localhost:2379": ${accepted}`,
    );
  }
  if ("leaseClient" in source && "kv" in source) {
    throw new TypeError(
      `etcd is an Etcd3 client, which is not supported yet; give the address of etcd instead: ${accepted}`,
    );
  }
}

function parseEndpoints(endpoints: unknown): readonly string[] {
  const list: unknown[] = Array.isArray(endpoints) ? endpoints : [endpoints];
  const parsed = list.flatMap((entry) => {
    if (typeof entry !== "string") throw new TypeError(`an etcd endpoint must be ${accepted}; got ${show(entry)}`);
    return entry.split(",").map((word) => parseEndpoint(word.trim()));
  });
  if (parsed.length === 0) throw new TypeError(`etcd must be ${accepted}; got an empty array`);
  return [...new Set(parsed)];
}

function parseEndpoint(text: string): string {
  const address = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(address)) throw new TypeError(`an etcd endpoint must be ${accepted}; got ${show(text)}`);
  const url = new URL(address);
  if (url.protocol === "https:") {
    throw new TypeError(`etcd endpoint ${show(text)} asks for TLS, which is not supported yet; http:// is`);
  }
  const hasMore = url.pathname.length > 1 || url.search !== "" || url.hash !== "" || url.username !== "";
  if (url.protocol !== "http:" || hasMore) {
    throw new TypeError(`an etcd endpoint has a host and a port, and nothing else; got ${show(text)}`);
  }
  const port = Number(explicitPort(text) ?? defaultPort);
  if (port === 0) throw new TypeError(`the port of an etcd endpoint must be 1 to 65535; got ${show(text)}`);
  return `${url.hostname}:${port}`;
}

/** `URL` drops a port that is the scheme's own, 80. */
function explicitPort(text: string): string | undefined {
  return /:(\d+)\/?$/.exec(text)?.[1];
}
