import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { authenticate } from "#dist/testing/etcd-user.js";
import { askGateway } from "#dist/testing/gateway.js";
import type { EtcdCluster } from "#dist/testing/index.js";

/** Our own programs come as this user, who may do nothing but what locks need. */
export interface Account {
  readonly name: string;
  /** A file with the password, as it is at the moment. */
  readonly passwordFile: string;
}

const name = "locker";
const callLimitMs = 2_000;
/** All members are asked so often, with pauses in milliseconds. */
const rounds = 5;
const pauseMs = 200;
/** Whoever stays longer has to say again who it is. */
const tokenSeconds = 20;

/** Words for etcd, by which what shows who somebody is expires soon; its keys are written into `folder`. */
export async function tokenFlags(folder: string): Promise<readonly string[]> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const [publicFile, privateFile] = [join(folder, "token.pub"), join(folder, "token.key")];
  await writeFile(publicFile, publicKey.export({ type: "spki", format: "pem" }));
  await writeFile(privateFile, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  const files = `pub-key=${publicFile},priv-key=${privateFile}`;
  return [`--auth-token=jwt,${files},sign-method=RS256,ttl=${tokenSeconds}s`];
}

/** The accounts of a cluster that wants to know who its clients are. */
export class Accounts {
  readonly account: Account;
  readonly #cluster: EtcdCluster;
  #password = "";
  #roles = 0;

  /** Makes the account, with the rights on keys that begin with `prefix`; its password is in `folder`. */
  static async make(cluster: EtcdCluster, prefix: string, folder: string): Promise<Accounts> {
    const accounts = new Accounts(cluster, join(folder, "password"));
    const role = name;
    const key = Buffer.from(prefix).toString("base64");
    const end = Buffer.from(`${prefix.slice(0, -1)}0`).toString("base64");
    await accounts.inventPassword();
    await accounts.#ask("/v3/auth/user/add", { name, password: accounts.#password });
    await accounts.#ask("/v3/auth/role/add", { name: role });
    await accounts.#ask("/v3/auth/role/grant", { name: role, perm: { permType: "READWRITE", key, range_end: end } });
    await accounts.#ask("/v3/auth/user/grant", { user: name, role });
    return accounts;
  }

  private constructor(cluster: EtcdCluster, passwordFile: string) {
    this.#cluster = cluster;
    this.account = { name, passwordFile };
  }

  /** Writes another password where the account's owners look for it: etcd does not know it yet. */
  async inventPassword(): Promise<void> {
    this.#password = randomBytes(12).toString("hex");
    await writeFile(this.account.passwordFile, `${this.#password}\n`, { mode: 0o600 });
  }

  /** Tells etcd the password; again, when that failed. */
  async changePassword(): Promise<void> {
    await this.#ask("/v3/auth/user/changepw", { name, password: this.#password });
  }

  /** Changes something about rights: whatever shows who somebody is has to be asked for anew. */
  async outdateTokens(): Promise<void> {
    this.#roles += 1;
    await this.#ask("/v3/auth/role/add", { name: `role-${Date.now()}-${this.#roles}` });
  }

  /** Asks the members, one after the other, until one has done it. */
  async #ask(path: string, body: object): Promise<void> {
    const { members } = this.#cluster;
    const answering = members.filter((member) => member.isRunning && !member.isPaused);
    const endpoints = Array.from({ length: rounds }, () => answering.map(({ endpoint }) => endpoint)).flat();
    let failure: unknown;
    for (const endpoint of endpoints) {
      try {
        await this.#askMember(endpoint, path, body);
        return;
      } catch (error) {
        failure = error;
        // An answer was lost, and it had been done before.
        if (String(error).includes("already exists")) return;
        await delay(pauseMs);
      }
    }
    throw failure;
  }

  async #askMember(endpoint: string, path: string, body: object): Promise<void> {
    const { user } = this.#cluster;
    if (user === undefined) throw new Error("the cluster does not want to know who its clients are");
    const gateway = { endpoint, tls: undefined };
    const token = await authenticate(gateway, user, callLimitMs);
    await askGateway(gateway, { path, body, token, timeoutMs: callLimitMs });
  }
}
