import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { EtcdUserOptions, TlsOptions } from "#dist/index.js";
import type { EtcdCluster } from "#dist/testing/index.js";

const run = promisify(execFile);

/** What of {@link EtcdCluster.tls} a client takes. */
export function tlsOf(cluster: EtcdCluster): TlsOptions {
  if (cluster.tls === undefined) throw new Error("the cluster does not speak TLS");
  const { ca, cert, key } = cluster.tls;
  return { ca, cert, key };
}

/** The user that may do everything. */
export function rootOf(cluster: EtcdCluster): EtcdUserOptions {
  if (cluster.user === undefined) throw new Error("the cluster has no users");
  return cluster.user;
}

/** Adds a user `name` whose only permission is `kind` on the keys that begin with `prefix`. */
export async function addUser(
  cluster: EtcdCluster,
  name: string,
  prefix: string,
  kind: "read" | "readwrite" = "readwrite",
): Promise<EtcdUserOptions> {
  const password = `secret of ${name}`;
  await cluster.etcdctl("role", "add", name);
  await cluster.etcdctl("role", "grant-permission", "--prefix=true", name, kind, prefix);
  await cluster.etcdctl("user", "add", `${name}:${password}`);
  await cluster.etcdctl("user", "grant-role", name, name);
  return { name, password };
}

/** A certificate to be made, by the authority of a cluster. */
export interface CertificateRequest {
  /** What it is for. */
  readonly side: "client" | "server";
  /** File name, without extension. */
  readonly file: string;
  readonly commonName?: string;
  /** How long it is valid; 0 makes one that has expired a second later. */
  readonly days?: number;
}

/** Makes a certificate and its key, as files, in the folder of those of `cluster`; files that are there are replaced. */
export async function issueCertificate(
  cluster: EtcdCluster,
  { side, file, commonName, days = 2 }: CertificateRequest,
): Promise<Required<Omit<TlsOptions, "serverName">> & { readonly cert: string; readonly key: string }> {
  const folder = dirname(cluster.tls?.caFile ?? "");
  const openssl = (...words: string[]) => run("openssl", words, { cwd: folder });
  const subject = `/O=etcd-lock testing/OU=${file}${commonName === undefined ? "" : `/CN=${commonName}`}`;
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${file}.key`];
  await openssl("req", "-new", ...key, "-config", "openssl.cnf", "-subj", subject, "-out", `${file}.csr`);
  // A number of its own: the file with the next one is not for several at the same time.
  const serial = ["-set_serial", String(randomInt(2 ** 47))];
  const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", ...serial, "-days", String(days)];
  const extensions = ["-extfile", "openssl.cnf", "-extensions", side];
  await openssl("x509", "-req", "-in", `${file}.csr`, ...signing, ...extensions, "-out", `${file}.crt`);
  const ca = await readFile(join(folder, "ca.crt"));
  return { ca, cert: join(folder, `${file}.crt`), key: join(folder, `${file}.key`) };
}

/** Flags for tokens that every member can check by itself, and that expire after `seconds`, however much they are used. */
export async function jwtFlags(folder: string, seconds: number): Promise<string[]> {
  const [key, publicKey] = [join(folder, "jwt.key"), join(folder, "jwt.pub")];
  await run("openssl", ["genrsa", "-out", key, "2048"]);
  await run("openssl", ["rsa", "-in", key, "-pubout", "-out", publicKey]);
  return [`--auth-token=jwt,pub-key=${publicKey},priv-key=${key},sign-method=RS256,ttl=${seconds}s`];
}
