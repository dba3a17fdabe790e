import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const lifetimeDays = "3650";
const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Complete, since what OpenSSL takes by default differs from system to system. */
const configuration = `
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
subjectKeyIdentifier = hash
keyUsage = critical, keyCertSign, cRLSign
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
# etcd's HTTP gateway is a client of its own server, and shows it this certificate.
extendedKeyUsage = serverAuth, clientAuth
[client]
extendedKeyUsage = clientAuth
`;

/** A certificate with its key, and the authority that the other side's certificate is from: as files, and their contents. */
export interface EtcdTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What both sides need. */
export interface Certificates {
  readonly server: EtcdTls;
  /** Without a common name, which etcd would take for a user's. */
  readonly client: EtcdTls;
}

/**
 * Makes an authority, and certificates from it for servers on this machine and for clients, in `folder`. Rejects when the
 * command `openssl` is not installed.
 */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "openssl.cnf"), configuration);
  const openssl = (...words: string[]): Promise<void> => runOpenssl(folder, words);
  const authority = ["req", "-x509", "-config", "openssl.cnf", "-extensions", "ca", "-days", lifetimeDays];
  await openssl(...authority, ...key, "-subj", "/O=etcd-lock testing/OU=ca", "-keyout", "ca.key", "-out", "ca.crt");
  for (const side of ["server", "client"]) {
    const subject = ["-config", "openssl.cnf", "-subj", `/O=etcd-lock testing/OU=${side}`];
    await openssl("req", "-new", ...key, ...subject, "-keyout", `${side}.key`, "-out", `${side}.csr`);
    const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", lifetimeDays];
    const extensions = ["-extfile", "openssl.cnf", "-extensions", side];
    await openssl("x509", "-req", "-in", `${side}.csr`, ...signing, ...extensions, "-out", `${side}.crt`);
  }
  return { server: await readTls(folder, "server"), client: await readTls(folder, "client") };
}

async function readTls(folder: string, side: string): Promise<EtcdTls> {
  const [caFile, certFile, keyFile] = [
    join(folder, "ca.crt"),
    join(folder, `${side}.crt`),
    join(folder, `${side}.key`),
  ];
  const [ca, cert, key] = await Promise.all([readFile(caFile), readFile(certFile), readFile(keyFile)]);
  return { caFile, certFile, keyFile, ca, cert, key };
}

async function runOpenssl(folder: string, words: readonly string[]): Promise<void> {
  try {
    await run("openssl", words, { cwd: folder });
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = isMissing
      ? "openssl was not found: install it (Debian and Ubuntu: apt-get install openssl)"
      : "openssl failed";
    throw new Error(`The certificates for TLS could not be made: ${why}`, { cause: error });
  }
}
