import type { ConnectionOptions } from "node:tls";
import { show } from "../show.ts";
import type { V2Access } from "./v2-access.ts";

/** A client of the npm package `node-etcd`, 4 to 7. Where its servers are, and how it reaches them, is used; it is not. */
export interface NodeEtcdClient {
  watcher(...words: never[]): unknown;
  compareAndDelete(...words: never[]): unknown;
}

/** By its shape: there may be several copies of the package. */
export function isNodeEtcd(value: unknown): value is NodeEtcdClient {
  return typeof value === "object" && value !== null && "watcher" in value && "compareAndDelete" in value;
}

/**
 * How a client of node-etcd reaches its servers: `hosts`, certificates, user and password.
 *
 * @throws TypeError when it does not say where its servers are.
 */
export function accessOfNodeEtcd(client: NodeEtcdClient): V2Access {
  const hosts: unknown = Reflect.get(client, "hosts");
  if (!isListOfStrings(hosts)) {
    throw new TypeError(`etcd is a node-etcd client without a list of hosts; got ${show(hosts)}`);
  }
  // 4 has TLS options only, and speaks TLS when it has; 5 to 7 have options for the package `request`, and URLs as hosts.
  const oldTls = optionsIn(client, "sslopts");
  const options = optionsIn(Reflect.get(client, "client"), "options");
  const urls = hosts.map((host) => new URL(host.includes("://") ? host : `http://${host}`));
  const isSecure = oldTls !== undefined || urls.some(({ protocol }) => protocol === "https:");
  const tls: ConnectionOptions = pick(tlsNames, { ...oldTls, ...optionsIn(options, "agentOptions"), ...options });
  const auth = readAuth(options?.auth);
  return {
    endpoints: urls.map(({ protocol, hostname, port }) => `${hostname}:${port || defaultPorts[protocol]}`),
    tls: isSecure ? () => tls : undefined,
    auth: auth === undefined ? undefined : () => auth,
  };
}

const defaultPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

type Options = Readonly<Record<string, unknown>>;

function isListOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === "string");
}

function optionsIn(owner: unknown, name: string): Options | undefined {
  if (typeof owner !== "object" || owner === null) return undefined;
  const options: unknown = Reflect.get(owner, name);
  return typeof options === "object" && options !== null ? (options as Options) : undefined;
}

const tlsNames = ["ca", "cert", "key", "pfx", "passphrase", "rejectUnauthorized", "servername"];

function pick(names: readonly string[], options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/** As the package `request` takes them. */
function readAuth(auth: unknown): string | undefined {
  if (typeof auth !== "object" || auth === null) return undefined;
  const { user, username, pass, password } = auth as Options;
  return `${user ?? username ?? ""}:${pass ?? password ?? ""}`;
}
