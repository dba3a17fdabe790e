import assert from "node:assert/strict";
import { test } from "node:test";
import { EtcdRefusedError } from "#dist/errors.js";
import type { CallOptions, TransactionAnswer } from "#dist/etcd/etcd-client.js";
import type { Transaction } from "#dist/etcd/transaction.js";
import { TransactionBatcher } from "#dist/etcd/transaction-batcher.js";
import { FakeClock } from "../support/fake-clock.ts";

test("who was in a batch that nobody answered at first may have been carried out before, whoever answers in the end", async () => {
  const waiting: (() => void)[] = [];
  /** The first two are answered when told to; a batch is tried in vain, and then refused. */
  const transact = async ({ success }: Transaction, { onFailedTry }: CallOptions): Promise<TransactionAnswer> => {
    if (success.length > 1) {
      onFailedTry?.("etcd:2379", "no answer");
      throw new EtcdRefusedError("the lease of one of them is gone", "NOT_FOUND", "etcd:2379");
    }
    if (waiting.length < 2) await new Promise<void>((resolve) => waiting.push(resolve));
    const header = { clusterId: 1n, revision: 1n, raftTerm: 1n };
    return { header, sentAt: 0, unsettled: false, succeeded: true, results: [] };
  };
  const batcher = new TransactionBatcher(transact, new FakeClock());
  const send = (line: string): Promise<TransactionAnswer> =>
    batcher.transact({ line, compare: [], success: [], failure: [] }, { timeoutMs: Number.POSITIVE_INFINITY });
  const answers = Promise.all(["a", "b", "c", "d"].map(send));
  for (const answer of waiting) answer();
  assert.deepEqual(
    (await answers).map(({ unsettled }) => unsettled),
    [false, false, true, true],
  );
});
