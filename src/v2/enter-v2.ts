import type { Signal } from "../abort.ts";
import { EtcdUnavailableError } from "../errors.ts";
import { tryTimeoutMs } from "../session/deadline.ts";
import type { V2Answer, V2Client, V2Conditions, V2Node } from "./v2-client.ts";
import { V2Entry, type V2Name } from "./v2-entry.ts";

export interface EnterV2Options {
  /** In seconds. */
  readonly ttl: number;
  readonly signal: Signal;
  /** How long etcd may be out of reach before it was first reached, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Called once, when somebody else is seen to hold the lock. */
  readonly onWaiting: () => void;
}

/** An entry that is ours, and when the write that proves it was sent. */
export interface V2Admission {
  readonly entry: V2Entry;
  readonly sentAt: number;
}

/** A change is a hint only: so long after the last look, on average, etcd is asked again, in milliseconds. */
const patienceMs = 5_000;
/** How long a wait that has ended may take to tidy up, in milliseconds. */
const tidyTimeoutMs = 1_000;

/**
 * Waits until the key is free, and makes it ours.
 *
 * The value of an entry is an id, which others may have as well, and so it does not tell whose it is. Who has created the
 * entry knows its index; who got no answer does not. So an entry counts only when the first write *after* its creation
 * has succeeded, which just one can do: an entry that nobody has written a second time may be taken for the one of a
 * creation of ours that was not answered.
 *
 * @throws EtcdUnavailableError, EtcdRefusedError, the signal's reason. Nothing is left behind, if etcd can be reached.
 */
export async function enterV2(client: V2Client, name: V2Name, options: EnterV2Options): Promise<V2Admission> {
  const attempt = new Attempt(client, name, options);
  try {
    return await attempt.enter();
  } catch (error) {
    await attempt.tidyUp();
    throw error;
  }
}

class Attempt {
  readonly #client: V2Client;
  readonly #name: V2Name;
  readonly #options: EnterV2Options;
  readonly #tryTimeoutMs: number;
  /** Entries that are older than this are not ours. */
  #startIndex = Number.POSITIVE_INFINITY;
  /** A creation was carried out, or got no answer: then it may have been, or may be yet. */
  #mayHaveCreated = false;
  #isWaiting = false;

  constructor(client: V2Client, name: V2Name, options: EnterV2Options) {
    this.#client = client;
    this.#name = name;
    this.#options = options;
    this.#tryTimeoutMs = tryTimeoutMs(options.ttl);
  }

  async enter(): Promise<V2Admission> {
    for (;;) {
      const { node, index } = await this.#read();
      this.#startIndex = Math.min(this.#startIndex, index);
      const created = node === undefined ? await this.#create() : this.#perhapsOurs(node);
      const admission = created === undefined ? undefined : await this.#confirm(created);
      if (admission !== undefined) return admission;
      if (node !== undefined) await this.#waitForChange(index + 1);
    }
  }

  /** Removes what may be left of a creation. */
  async tidyUp(): Promise<void> {
    if (!this.#mayHaveCreated) return;
    const options = { timeoutMs: tidyTimeoutMs, tryTimeoutMs: this.#tryTimeoutMs };
    const tidy = async (): Promise<void> => {
      const { node } = await this.#client.read(this.#name.key, options);
      const created = this.#perhapsOurs(node);
      if (created !== undefined) await new V2Entry(this.#client, this.#name, created).remove(options);
    };
    // What cannot be removed now goes by itself, after the TTL.
    await tidy().catch(() => {});
  }

  async #read(): Promise<V2Answer> {
    const { signal, connectTimeoutMs } = this.#options;
    const timeoutMs = this.#isWaiting ? Number.POSITIVE_INFINITY : connectTimeoutMs;
    return await this.#client.read(this.#name.key, { signal, timeoutMs, tryTimeoutMs: this.#tryTimeoutMs });
  }

  async #create(): Promise<V2Node | undefined> {
    const answer = await this.#write({ prevExist: false });
    if (answer?.kind !== "refused") this.#mayHaveCreated = true;
    return answer?.node;
  }

  /** An entry that a creation of ours may have made, and that nobody has made theirs. */
  #perhapsOurs(node: V2Node | undefined): V2Node | undefined {
    if (!this.#mayHaveCreated || node?.value !== this.#name.id) return undefined;
    return node.createdIndex > this.#startIndex && node.modifiedIndex === node.createdIndex ? node : undefined;
  }

  async #confirm({ modifiedIndex }: V2Node): Promise<V2Admission | undefined> {
    const answer = await this.#write({ prevValue: this.#name.id, prevIndex: modifiedIndex });
    if (answer?.node === undefined) return undefined;
    const entry = new V2Entry(this.#client, this.#name, answer.node);
    if (this.#options.signal.aborted) {
      await entry.remove({ timeoutMs: tidyTimeoutMs, tryTimeoutMs: this.#tryTimeoutMs }).catch(() => {});
      throw this.#options.signal.reason;
    }
    return { entry, sentAt: answer.sentAt };
  }

  /** One try, which is not interrupted, so that we know what we have done. `undefined` when it got no answer. */
  async #write(conditions: V2Conditions): Promise<V2Answer | undefined> {
    const { key, id } = this.#name;
    const options = { once: true, timeoutMs: this.#tryTimeoutMs, tryTimeoutMs: this.#tryTimeoutMs };
    this.#options.signal.throwIfAborted();
    try {
      return await this.#client.write(key, id, this.#options.ttl, conditions, options);
    } catch (error) {
      if (error instanceof EtcdUnavailableError) return undefined;
      throw error;
    }
  }

  async #waitForChange(fromIndex: number): Promise<void> {
    if (!this.#isWaiting) this.#options.onWaiting();
    this.#isWaiting = true;
    const { signal } = this.#options;
    const patience = patienceMs * (0.8 + 0.4 * Math.random());
    try {
      await this.#client.nextChange(this.#name.key, fromIndex, patience, { signal, timeoutMs: this.#tryTimeoutMs });
    } catch (error) {
      // Reading, which comes next, goes on until it is answered.
      if (!(error instanceof EtcdUnavailableError)) throw error;
    }
  }
}
