import { type ClientRequest, request } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { authenticate } from "#dist/testing/etcd-user.js";
import type { EtcdCluster } from "#dist/testing/index.js";
import type { Recorder } from "../history/recorder.ts";

interface WatchAnswer {
  readonly result?: {
    readonly header?: { readonly revision?: string };
    readonly compact_revision?: string;
    readonly canceled?: boolean;
    readonly events?: readonly {
      readonly type?: string;
      readonly kv: { readonly key: string; readonly mod_revision: string };
    }[];
  };
}

const retryMs = 100;
const loginLimitMs = 2_000;

/**
 * Sees hold records being written and deleted, at every member, and writes down when it first saw each. That is independent
 * of what their owners say: nobody may believe to be inside for longer than a touch is good.
 */
export class TouchObserver {
  readonly #cluster: EtcdCluster;
  readonly #recorder: Recorder;
  readonly #prefix: string;
  readonly #seen = new Map<string, bigint>();
  readonly #requests = new Map<string, ClientRequest>();
  #isClosed = false;

  constructor(cluster: EtcdCluster, prefix: string, recorder: Recorder) {
    this.#cluster = cluster;
    this.#recorder = recorder;
    this.#prefix = prefix;
    for (const { endpoint } of cluster.members) void this.#keepWatching(endpoint);
  }

  close(): void {
    this.#isClosed = true;
    for (const call of this.#requests.values()) call.destroy();
  }

  async #keepWatching(endpoint: string): Promise<void> {
    for (let next = 1n; !this.#isClosed; ) {
      const from = next;
      const authorization = await this.#authorize(endpoint).catch(() => undefined);
      if (authorization !== undefined) next = await this.#watch(endpoint, from, authorization);
      await delay(retryMs, undefined, { ref: false });
    }
  }

  /** Headers that say who asks, if etcd wants to know. */
  async #authorize(endpoint: string): Promise<{ readonly authorization?: string }> {
    const { user } = this.#cluster;
    if (user === undefined) return {};
    return { authorization: await authenticate({ endpoint, tls: undefined }, user, loginLimitMs) };
  }

  /** Resolves, when the watch has ended, to where to go on. */
  async #watch(endpoint: string, from: bigint, headers: { readonly authorization?: string }): Promise<bigint> {
    let next = from;
    const call = request(`http://${endpoint}/v3/watch`, { method: "POST", agent: false, headers }, (response) => {
      const lines = createInterface({ input: response });
      lines.on("line", (line) => {
        next = this.#hear(line, next);
      });
      for (const source of [lines, response]) source.on("error", () => undefined);
    });
    this.#requests.set(endpoint, call);
    call.on("error", () => undefined);
    const range = [this.#prefix, `${this.#prefix.slice(0, -1)}0`].map((text) => Buffer.from(text).toString("base64"));
    const [key, end] = range;
    call.end(JSON.stringify({ create_request: { key, range_end: end, start_revision: String(from) } }));
    await new Promise((resolve) => call.on("close", resolve));
    return next;
  }

  /** Where to go on, should the watch end now. */
  #hear(line: string, next: bigint): bigint {
    const result = parseAnswer(line);
    if (result?.compact_revision !== undefined && result.canceled === true) {
      this.#recorder.write({ kind: "blind", why: `compacted at ${result.compact_revision}` });
      return BigInt(result.compact_revision);
    }
    let last = next;
    for (const { type, kv } of result?.events ?? []) {
      const revision = BigInt(kv.mod_revision);
      last = revision + 1n;
      this.#see(type === "DELETE" ? "erased" : "touched", Buffer.from(kv.key, "base64").toString(), revision);
    }
    return last;
  }

  #see(kind: "touched" | "erased", key: string, revision: bigint): void {
    if (!key.includes("!") || (this.#seen.get(key) ?? 0n) >= revision) return;
    this.#seen.set(key, revision);
    this.#recorder.write({ kind, key });
  }
}

function parseAnswer(line: string): WatchAnswer["result"] {
  try {
    const { result }: WatchAnswer = JSON.parse(line);
    return result;
  } catch {
    // The connection was cut in the middle of a line.
    return undefined;
  }
}
