import type { LossReason } from "../errors.ts";
import type { CallOptions } from "../etcd/etcd-client.ts";
import type { V2Client, V2Node } from "./v2-client.ts";

/** A lock of 1.x in etcd: `key` has the value `id`, and a TTL. */
export interface V2Name {
  readonly key: string;
  readonly id: string;
}

/** Why an entry is not ours any more. */
export interface V2Loss {
  readonly reason: LossReason;
  readonly explanation: string;
}

/** An entry that is ours was renewed, by a request that was sent then; or it is not ours any more. */
export type V2Renewal = { readonly kind: "renewed"; readonly sentAt: number } | ({ readonly kind: "lost" } & V2Loss);

export const entryGone: V2Loss = { reason: "entry-deleted", explanation: "its key is gone from etcd" };
export const entryTaken: V2Loss = { reason: "entry-overwritten", explanation: "its key was written by somebody else" };

/**
 * Our entry: the one with this `createdIndex`, whoever else may have our id. Every write names the index of the one before,
 * so that a request carried out late finds its condition gone, and does nothing.
 */
export class V2Entry {
  readonly name: V2Name;
  readonly createdIndex: number;
  readonly #client: V2Client;
  #modifiedIndex: number;
  /** A write of ours got no answer: it may have been carried out. */
  #isUnsettled = false;

  constructor(client: V2Client, name: V2Name, { createdIndex, modifiedIndex }: V2Node) {
    this.#client = client;
    this.name = name;
    this.createdIndex = createdIndex;
    this.#modifiedIndex = modifiedIndex;
  }

  /** The index of our last write that we know of. */
  get modifiedIndex(): number {
    return this.#modifiedIndex;
  }

  /** Whether a change that leaves the entry ours could be a write of our own. */
  get isUnsettled(): boolean {
    return this.#isUnsettled;
  }

  isOurs(node: V2Node | undefined): node is V2Node {
    return node?.createdIndex === this.createdIndex && node.value === this.name.id;
  }

  /** Starts the TTL anew. @throws EtcdUnavailableError, EtcdRefusedError, the signal's reason. */
  async renew(ttlSeconds: number, options: CallOptions): Promise<V2Renewal> {
    const { key, id } = this.name;
    for (;;) {
      const wasUnsettled = this.#isUnsettled;
      this.#isUnsettled = true;
      const answer = await this.#client.write(key, id, ttlSeconds, this.#unchanged(), options);
      if (answer.kind === "absent") return { kind: "lost", ...entryGone };
      if (answer.kind === "done" && answer.node !== undefined) {
        this.#settle(answer.node);
        return { kind: "renewed", sentAt: answer.sentAt };
      }
      if (!(wasUnsettled || answer.unsettled)) return { kind: "lost", ...entryTaken };
      const loss = await this.#adopt(options);
      if (loss !== undefined) return { kind: "lost", ...loss };
    }
  }

  /** Removes the entry. Whether it was still ours. @throws as {@link V2Entry.renew}. */
  async remove(options: CallOptions): Promise<boolean> {
    for (;;) {
      const answer = await this.#client.remove(this.name.key, this.#unchanged(), options);
      if (answer.kind === "done") return true;
      if (answer.kind === "absent") return answer.unsettled;
      if (!this.#isUnsettled) return false;
      const loss = await this.#adopt(options);
      if (loss !== undefined) return false;
    }
  }

  #unchanged(): { prevValue: string; prevIndex: number } {
    return { prevValue: this.name.id, prevIndex: this.#modifiedIndex };
  }

  /** Finds out what a write without an answer has done. */
  async #adopt(options: CallOptions): Promise<V2Loss | undefined> {
    const { node } = await this.#client.read(this.name.key, options);
    if (node === undefined) return entryGone;
    if (!this.isOurs(node)) return entryTaken;
    this.#settle(node);
    return undefined;
  }

  #settle({ modifiedIndex }: V2Node): void {
    this.#modifiedIndex = modifiedIndex;
    this.#isUnsettled = false;
  }
}
