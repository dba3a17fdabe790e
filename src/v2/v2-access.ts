import type { ConnectionOptions } from "node:tls";
import type { EtcdAccess } from "../etcd/endpoints.ts";
import { openPassword } from "../etcd/password.ts";
import { Tls } from "../etcd/tls.ts";

/** How etcd's v2 API is reached. */
export interface V2Access {
  /** Each as `host:port`. */
  readonly endpoints: readonly string[];
  /** What `node:tls` needs for the next connection; without it, there is no TLS. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  /** `user:password`, for the next request. */
  readonly auth?: (() => string) | undefined;
}

/** @throws TypeError when a file with certificates, or the password, is of no use. */
export function toV2Access({ endpoints = [], tls, user }: EtcdAccess): V2Access {
  return { endpoints, tls: tls && openTls(new Tls(tls), tls.serverName), auth: user && openAuth(user) };
}

function openTls(tls: Tls, servername: string | undefined): () => ConnectionOptions {
  return () => ({ secureContext: tls.current, ...(servername !== undefined && { servername }) });
}

function openAuth(user: NonNullable<EtcdAccess["user"]>): () => string {
  const password = openPassword(user);
  return () => `${user.name}:${password()}`;
}
