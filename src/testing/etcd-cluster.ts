import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { EtcdTls } from "./certificates.ts";
import type { EtcdMember } from "./etcd-member.ts";
import type { EtcdUser } from "./etcd-user.ts";
import { readMemberStatus } from "./member-status.ts";

const run = promisify(execFile);

const leaderLimitMs = 15_000;
const etcdctlLimitMs = 30_000;

/** What a cluster is made of. */
export interface EtcdClusterParts {
  readonly members: readonly EtcdMember[];
  /** Path of etcdctl, if there is one. */
  readonly etcdctl: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly tls: EtcdTls | undefined;
  readonly user: EtcdUser | undefined;
  /** Folder to remove at the end; `undefined` when it is the caller's. */
  readonly ownFolder: string | undefined;
}

/** A running etcd cluster that belongs to this process, and ends with it at the latest. */
export class EtcdCluster {
  /** The members, in order; also those that were killed. */
  readonly members: readonly EtcdMember[];
  /** What a client needs to be let in, if the cluster speaks TLS. */
  readonly tls: EtcdTls | undefined;
  /** Who may do everything, if the cluster wants to know who its clients are. */
  readonly user: EtcdUser | undefined;
  readonly #parts: EtcdClusterParts;

  constructor(parts: EtcdClusterParts) {
    this.members = parts.members;
    this.tls = parts.tls;
    this.user = parts.user;
    this.#parts = parts;
  }

  /** `127.0.0.1:port` of every member; `https://127.0.0.1:port` if the cluster speaks TLS. */
  get endpoints(): string[] {
    return this.#endpointsOf(this.members);
  }

  /** The member that leads, as it says itself. Waits up to 15 s for an election to end, then rejects. */
  async leader(): Promise<EtcdMember> {
    const deadline = performance.now() + leaderLimitMs;
    for (;;) {
      const leader = await this.#findLeader();
      if (leader !== undefined) return leader;
      if (performance.now() > deadline) throw new Error(`No leader of ${this.endpoints} within ${leaderLimitMs} ms`);
      await delay(50);
    }
  }

  /**
   * Runs `etcdctl` on the members that answer, with {@link tls} and as {@link user}, and resolves to its standard output.
   * Rejects with what it wrote to standard error when it fails, and when it takes longer than 30 s.
   */
  async etcdctl(...words: string[]): Promise<string> {
    const { etcdctl, environment } = this.#parts;
    if (etcdctl === undefined) {
      throw new Error(
        "etcdctl was not found: install it (Debian and Ubuntu: apt-get install etcd-client), or set ETCDCTL_BIN",
      );
    }
    const answering = this.members.filter((member) => member.isRunning && !member.isPaused);
    const endpoints = this.#endpointsOf(answering.length === 0 ? this.members : answering);
    const { stdout } = await run(etcdctl, [`--endpoints=${endpoints}`, ...this.#credentials, ...words], {
      env: environment,
      maxBuffer: 64 * 1_024 * 1_024,
      timeout: etcdctlLimitMs,
    });
    return stdout;
  }

  /** Kills every member, also a frozen one, and removes the data unless the caller named the folder. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    if (this.#parts.ownFolder !== undefined) await rm(this.#parts.ownFolder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #endpointsOf(members: readonly EtcdMember[]): string[] {
    return members.map(({ endpoint }) => (this.tls === undefined ? endpoint : `https://${endpoint}`));
  }

  /** Of two flags, the last one wins: a caller may come as somebody else. */
  get #credentials(): string[] {
    const { tls, user } = this;
    return [
      ...(tls === undefined ? [] : [`--cacert=${tls.caFile}`, `--cert=${tls.certFile}`, `--key=${tls.keyFile}`]),
      ...(user === undefined ? [] : [`--user=${user.name}:${user.password}`]),
    ];
  }

  /** A leader that was deposed while it was frozen does not know it yet: the newest term decides. */
  async #findLeader(): Promise<EtcdMember | undefined> {
    const asked = this.members.filter((member) => member.isRunning && !member.isPaused);
    const answers = await Promise.all(
      asked.map(async (member) => {
        const status = await readMemberStatus({ endpoint: member.endpoint, tls: this.tls }, this.user, 1_000);
        return { member, status };
      }),
    );
    const newestTerm = answers.reduce((term, { status }) => (status && status.term > term ? status.term : term), 0n);
    return answers.find(({ status }) => status?.term === newestTerm && status.leaderId === status.memberId)?.member;
  }
}
