import assert from "node:assert/strict";
import type { EtcdClient } from "#dist/etcd/etcd-client.js";
import { createdAt, put, remove } from "#dist/etcd/transaction.js";
import type { Contender } from "./line-model.ts";

const options = { timeoutMs: 20_000 };

/** Somebody with a client of etcd and no lock of ours: a contender as in Go, or an operator with etcdctl. */
export class Stranger implements Contender {
  readonly label: string;
  readonly limit = 1;
  readonly isOurs = false;
  readonly isSilent = true;
  readonly #client: EtcdClient;
  readonly #key: string;

  constructor(client: EtcdClient, label: string, key: string) {
    this.#client = client;
    this.label = label;
    this.#key = key;
  }

  /** Stands in line as Go's `concurrency.Mutex` does, which says nothing of itself, or with a value. */
  async enter(value: string, leaseId: bigint): Promise<void> {
    const success = [put(this.#key, value, leaseId)];
    const answer = await this.#client.transact({ compare: [createdAt(this.#key, 0n)], success, failure: [] }, options);
    assert.ok(answer.succeeded, `${this.#key} is there already`);
  }

  /** Writes its label over whatever is there, on no lease. */
  async overwrite(): Promise<void> {
    await this.#client.transact({ compare: [], success: [put(this.#key, this.label, 0n)], failure: [] }, options);
  }

  async leave(): Promise<void> {
    await removeKey(this.#client, this.#key);
  }
}

/** Removes a key as `etcdctl del` does. */
export async function removeKey(client: EtcdClient, key: string): Promise<void> {
  const { results } = await client.transact({ compare: [], success: [remove(key)], failure: [] }, options);
  const [result] = results;
  assert.ok(result?.kind === "delete" && result.deleted === 1, `${key} has gone before`);
}
