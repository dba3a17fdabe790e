import dns from "node:dns";
import { Resolver } from "node:dns/promises";
import { GrpcError, status } from "../grpc/status.ts";
import type { EtcdAccess } from "./endpoints.ts";

/** How long a DNS server may take to answer, in milliseconds. */
const answerLimitMs = 1_000;

/**
 * The endpoints (`host:port`) that the SRV records of a domain name, the preferred first. With TLS only those of
 * `_etcd-client-ssl._tcp` count, without only those of `_etcd-client._tcp`.
 *
 * Nobody vouches for what DNS says: with TLS, the hosts must be of the domain itself, unless a server name is given.
 *
 * @throws GrpcError, which says what was looked up, and what is wrong with the answer.
 */
export async function lookUpEndpoints(domain: string, tls: EtcdAccess["tls"]): Promise<readonly string[]> {
  const name = `_etcd-client${tls === undefined ? "" : "-ssl"}._tcp.${domain}`;
  const resolver = new Resolver({ timeout: answerLimitMs, tries: 2 });
  // Those of this machine, unless the program has set others, which replaces the function too.
  resolver.setServers(dns.getServers());
  const records = await resolver.resolveSrv(name).catch((cause: unknown) => {
    throw new GrpcError(status.UNAVAILABLE, `no SRV records of ${name} (${codeOf(cause)})`, cause);
  });
  const stranger = records.find((record) => !isOf(record.name, domain));
  if (tls !== undefined && tls.serverName === undefined && stranger !== undefined) {
    const hint = "set tls.serverName if that is meant";
    throw new GrpcError(
      status.UNAVAILABLE,
      `the SRV records of ${name} name ${stranger.name}, outside of ${domain}: ${hint}`,
    );
  }
  // Among equals, chance decides: not all clients go to the same one.
  const hosts = records.filter(({ name: host }) => withoutDot(host) !== "");
  const order = hosts.map((record) => ({ ...record, chance: Math.random() ** (1 / Math.max(record.weight, 0.1)) }));
  order.sort((a, b) => a.priority - b.priority || b.chance - a.chance);
  return [...new Set(order.map((record) => `${withoutDot(record.name)}:${record.port}`))];
}

function isOf(host: string, domain: string): boolean {
  const [inner, outer] = [withoutDot(host), withoutDot(domain)].map((name) => name.toLowerCase());
  return inner === outer || inner?.endsWith(`.${outer}`) === true;
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : error;
}
