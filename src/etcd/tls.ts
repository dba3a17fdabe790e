import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity, connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { messageOf } from "../message-of.ts";
import { show, showUnreadable } from "../show.ts";

/**
 * How to speak TLS with etcd, 1.2 or newer. `ca`, `cert` and `key` are each the path of a file in PEM format, or what would
 * be in it. Files are read again for each connection: renewed ones are taken up without a restart.
 */
export interface TlsOptions {
  /** The authorities one of which etcd's certificate must be from. Those that Node.js knows by default. */
  readonly ca?: string | Uint8Array;
  /** Our own certificate, for clusters that want one from their clients. Goes with `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name for which etcd's certificate must be valid, if not the host of the endpoint. */
  readonly serverName?: string;
}

const parts = ["ca", "cert", "key"] as const;

type Part = (typeof parts)[number];
type Pem = Readonly<Record<Part, string | undefined>>;

/** @throws TypeError that names the option, what came and what is allowed. */
export function checkTls(tls: unknown): TlsOptions {
  if (tls === true) return {};
  if (typeof tls !== "object" || tls === null) {
    throw new TypeError(`tls must be true or an object { ca, cert, key, serverName }; got ${show(tls)}`);
  }
  const options: Partial<Record<Part | "serverName", unknown>> = tls;
  for (const part of parts) checkPart(part, options[part]);
  if ((options.cert === undefined) !== (options.key === undefined)) {
    const [given, missing] = options.key === undefined ? ["cert", "key"] : ["key", "cert"];
    throw new TypeError(`tls.${given} is given without tls.${missing}: a certificate and its key go together`);
  }
  const { serverName } = options;
  if (serverName !== undefined && (typeof serverName !== "string" || serverName === "")) {
    throw new TypeError(`tls.serverName must be a host name; got ${show(serverName)}`);
  }
  return tls;
}

function checkPart(part: Part, value: unknown): void {
  if (value === undefined || value instanceof Uint8Array || (typeof value === "string" && value !== "")) return;
  throw new TypeError(`tls.${part} must be the path of a PEM file, or PEM as a string or bytes; got ${show(value)}`);
}

/** The certificates with which connections are made. */
export class Tls {
  readonly #options: TlsOptions;
  #pem: Pem;
  #context: SecureContext;

  /** @throws TypeError when a file cannot be read, is no PEM, or the key is not that of the certificate. */
  constructor(options: TlsOptions) {
    this.#options = options;
    this.#pem = readPem(options);
    this.#context = createContext(this.#pem);
  }

  /** The certificates as they are in their files now; as they were, while files are missing or don't fit together. */
  get current(): SecureContext {
    try {
      const pem = readPem(this.#options);
      if (parts.some((part) => pem[part] !== this.#pem[part])) {
        this.#context = createContext(pem);
        this.#pem = pem;
      }
    } catch {
      // Somebody is replacing them: the next connection finds them complete.
    }
    return this.#context;
  }

  /** Begins to connect, in order to speak HTTP/2. */
  connect(host: string, port: number): TLSSocket {
    const { serverName = host } = this.#options;
    return connect({
      host,
      port,
      secureContext: this.current,
      ALPNProtocols: ["h2"],
      // An address cannot be asked for by name; but what the certificate says of it counts.
      servername: isIP(serverName) === 0 ? serverName : "",
      checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate),
    });
  }
}

function readPem({ ca, cert, key }: TlsOptions): Pem {
  return { ca: readPart("ca", ca), cert: readPart("cert", cert), key: readPart("key", key) };
}

function readPart(part: Part, source: string | Uint8Array | undefined): string | undefined {
  if (source === undefined) return undefined;
  const isPath = typeof source === "string" && !source.includes("-----BEGIN");
  const pem = isPath ? readFile(part, source) : Buffer.from(source).toString("latin1");
  if (pem.includes("-----BEGIN")) return pem;
  throw new TypeError(`tls.${part} must be in PEM format; ${isPath ? show(source) : "what was given"} is not`);
}

function readFile(part: Part, path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (cause) {
    throw new TypeError(`tls.${part} cannot be read: ${showUnreadable(path, cause)}`, { cause });
  }
}

function createContext({ ca, cert, key }: Pem): SecureContext {
  const identity = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  try {
    return createSecureContext({ ...identity, minVersion: "TLSv1.2" });
  } catch (cause) {
    throw new TypeError(`tls: the certificates are of no use: ${messageOf(cause)}`, { cause });
  }
}
