import { show } from "../show.ts";
import { checkUser, type EtcdUserOptions } from "./password.ts";
import { checkTls, type TlsOptions } from "./tls.ts";

/** Where etcd is: `host:port`, `host`, a URL, several of them in an array or separated by commas, or options. */
export type EtcdSource = string | readonly string[] | EtcdOptions;

/** Which API of etcd: 3; or 2, the one of etcd-lock 1.x, with which locks there exclude each other. */
export type EtcdApi = 2 | 3;

export interface EtcdOptions {
  /**
   * Addresses as in {@link EtcdSource}: `host:port`, `host` (port 2379), or a URL, `http:` or, for TLS, `https:`; IPv6 in
   * brackets. Required, unless there is `discoverySrv`.
   */
  readonly endpoints?: string | readonly string[] | undefined;
  /**
   * A domain whose DNS says where etcd is, instead of `endpoints`: by SRV records of `_etcd-client._tcp`, with TLS of
   * `_etcd-client-ssl._tcp`.
   */
  readonly discoverySrv?: string | undefined;
  /** Whether members that join the cluster are used too, at the addresses that they advertise. `false` by default. */
  readonly followMembers?: boolean | undefined;
  /** How to speak TLS; `true` is the same as `https:` in every address. */
  readonly tls?: true | TlsOptions | undefined;
  /** Who we are, for clusters that have users. */
  readonly user?: EtcdUserOptions | undefined;
  /** 3 by default. The v2 API is for the class `Lock` alone, and takes neither `discoverySrv` nor `followMembers`. */
  readonly api?: EtcdApi | undefined;
}

/** {@link EtcdSource}, checked. */
export interface EtcdAccess extends EtcdOptions {
  /** Each as `host:port`, without duplicates; `undefined` when they are to be found by `discoverySrv`. */
  readonly endpoints: readonly string[] | undefined;
  readonly discoverySrv: string | undefined;
  readonly followMembers: boolean;
  /** `undefined`: without TLS. */
  readonly tls: TlsOptions | undefined;
  readonly user: EtcdUserOptions | undefined;
  readonly api: EtcdApi;
}

const defaultPort = 2379;
const anAddress = 'an address ("host:port", "host", "http://host:port", "https://host:port", "[::1]:2379")';
const accepted =
  `${anAddress}, several of them in an array or separated by commas, an object { endpoints, tls, user }, ` +
  "a client of the package etcd3 or, for the class Lock, of node-etcd";

/** @throws TypeError that names what came and what is allowed. */
export function parseEtcdSource(source: unknown): EtcdAccess {
  if (typeof source === "string" || Array.isArray(source)) return parseOptions({ endpoints: source });
  if (typeof source !== "object" || source === null) {
    throw new TypeError(`etcd must be ${accepted}; got ${show(source)}`);
  }
  refuseForeignClient(source);
  return parseOptions(source);
}

function parseOptions(options: Partial<Record<keyof EtcdOptions, unknown>>): EtcdAccess {
  const { endpoints, discoverySrv, followMembers = false } = options;
  if ((endpoints === undefined) === (discoverySrv === undefined)) {
    // The names only: a password may be where it does not belong.
    const got = Object.keys(options).join(", ") || "nothing in it";
    if (endpoints === undefined) throw new TypeError(`etcd must be ${accepted}; got an object with ${got}`);
    throw new TypeError("etcd has either endpoints or discoverySrv; got both");
  }
  if (typeof followMembers !== "boolean") {
    throw new TypeError(`followMembers must be true or false; got ${show(followMembers)}`);
  }
  const api = parseApi(options.api);
  if (api === 2 && (discoverySrv !== undefined || followMembers)) {
    throw new TypeError("discoverySrv and followMembers need the v3 API of etcd; got api 2");
  }
  const addresses = endpoints === undefined ? undefined : parseEndpoints(endpoints);
  return {
    endpoints: addresses && [...new Set(addresses.map(({ address }) => address))],
    discoverySrv: discoverySrv === undefined ? undefined : checkDomain(discoverySrv),
    followMembers,
    tls: parseTls(options.tls, new Set(addresses?.map(({ scheme }) => scheme))),
    user: options.user === undefined ? undefined : checkUser(options.user),
    api,
  };
}

function parseApi(api: unknown = 3): EtcdApi {
  if (api === 2 || api === 3) return api;
  throw new TypeError(`api must be 2 or 3; got ${show(api)}`);
}

/** Nothing falls back to plain text silently: one such endpoint of several would be enough to give a password away. */
function parseTls(option: unknown, schemes: ReadonlySet<Endpoint["scheme"]>): TlsOptions | undefined {
  const tls = option === undefined ? undefined : checkTls(option);
  if (schemes.has("http:") && (schemes.has("https:") || tls !== undefined)) {
    const contrary = tls === undefined ? "https:// endpoints" : "the option tls";
    throw new TypeError(
      `etcd has http:// endpoints, without TLS, and ${contrary}: all of a cluster's have TLS, or none`,
    );
  }
  return tls ?? (schemes.has("https:") ? {} : undefined);
}

function checkDomain(domain: unknown): string {
  if (typeof domain === "string" && /^[\w-]+(\.[\w-]+)*\.?$/.test(domain)) return domain;
  throw new TypeError(`discoverySrv must be a domain such as "example.com"; got ${show(domain)}`);
}

/** The client objects that 1.x took are known by their shape. */
function refuseForeignClient(source: object): void {
  if ("watcher" in source && "compareAndDelete" in source) {
    throw new TypeError(
      "etcd is a node-etcd client, which speaks etcd's v2 API: the class Lock takes it; a LockManager needs the v3 API, " +
        `and so ${accepted}`,
    );
  }
}

/** One endpoint as it was given. */
interface Endpoint {
  /** `host:port`. */
  readonly address: string;
  /** `undefined` when it was given without one. */
  readonly scheme: "http:" | "https:" | undefined;
}

function parseEndpoints(endpoints: unknown): readonly Endpoint[] {
  const list: unknown[] = Array.isArray(endpoints) ? endpoints : [endpoints];
  const parsed = list.flatMap((entry) => {
    if (typeof entry !== "string") throw new TypeError(`an etcd endpoint must be ${accepted}; got ${show(entry)}`);
    return entry.split(",").map((word) => parseEndpoint(word.trim()));
  });
  if (parsed.length === 0) throw new TypeError(`etcd must be ${accepted}; got an empty array`);
  return parsed;
}

/** @throws TypeError when `text` is no address of an endpoint. */
export function parseEndpoint(text: string): Endpoint {
  const hasScheme = text.includes("://");
  const shown = show(text.replace(/[^/]*@/, "…@"));
  const url = hasScheme ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new TypeError(`an etcd endpoint must be ${anAddress}; got ${shown}`);
  const { protocol, hostname, pathname, search, hash, username } = new URL(url);
  const hasMore = pathname.length > 1 || search !== "" || hash !== "" || username !== "";
  if ((protocol !== "http:" && protocol !== "https:") || hasMore) {
    throw new TypeError(`an etcd endpoint has a host and a port, and nothing else; got ${shown}`);
  }
  const port = Number(explicitPort(text) ?? defaultPort);
  if (port === 0) throw new TypeError(`the port of an etcd endpoint must be 1 to 65535; got ${shown}`);
  return { address: `${hostname}:${port}`, scheme: hasScheme ? protocol : undefined };
}

/** `URL` drops a port that is the scheme's own, 80 or 443. */
function explicitPort(text: string): string | undefined {
  return /:(\d+)\/?$/.exec(text)?.[1];
}
