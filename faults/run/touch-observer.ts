import { type ClientRequest, request } from "node:http";
import { createInterface } from "node:readline";
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

/**
 * Sees hold records being written, at every member, and writes down when it first saw each. That is independent of what
 * their owners say: nobody may believe to be inside for longer than a touch is good.
 */
export class TouchObserver {
  readonly #recorder: Recorder;
  readonly #prefix: string;
  readonly #seen = new Map<string, bigint>();
  readonly #requests = new Map<string, ClientRequest>();
  #isClosed = false;

  constructor(cluster: EtcdCluster, prefix: string, recorder: Recorder) {
    this.#recorder = recorder;
    this.#prefix = prefix;
    for (const { endpoint } of cluster.members) this.#watch(endpoint, 1n);
  }

  close(): void {
    this.#isClosed = true;
    for (const call of this.#requests.values()) call.destroy();
  }

  #watch(endpoint: string, from: bigint): void {
    if (this.#isClosed) return;
    let next = from;
    const call = request(`http://${endpoint}/v3/watch`, { method: "POST", agent: false }, (response) => {
      const lines = createInterface({ input: response });
      lines.on("line", (line) => {
        next = this.#hear(line, next);
      });
      for (const source of [lines, response]) source.on("error", () => undefined);
    });
    this.#requests.set(endpoint, call);
    call.on("error", () => undefined);
    call.on("close", () => setTimeout(() => this.#watch(endpoint, next), retryMs).unref());
    const [key, end] = [this.#prefix, `${this.#prefix.slice(0, -1)}0`].map((text) =>
      Buffer.from(text).toString("base64"),
    );
    call.end(JSON.stringify({ create_request: { key, range_end: end, start_revision: String(from) } }));
  }

  /** Where to go on, should the watch end now. */
  #hear(line: string, next: bigint): bigint {
    const { result }: WatchAnswer = JSON.parse(line);
    if (result?.compact_revision !== undefined && result.canceled === true) {
      this.#recorder.write({ kind: "blind", why: `compacted at ${result.compact_revision}` });
      return BigInt(result.compact_revision);
    }
    let last = next;
    for (const { type, kv } of result?.events ?? []) {
      const revision = BigInt(kv.mod_revision);
      last = revision + 1n;
      if (type !== "DELETE") this.#see(Buffer.from(kv.key, "base64").toString(), revision);
    }
    return last;
  }

  #see(key: string, revision: bigint): void {
    if (!key.includes("!") || (this.#seen.get(key) ?? 0n) >= revision) return;
    this.#seen.set(key, revision);
    this.#recorder.write({ kind: "touched", key });
  }
}
