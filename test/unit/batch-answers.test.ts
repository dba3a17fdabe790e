import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#dist/clock.js";
import { EtcdRefusedError } from "#dist/errors.js";
import type { CallOptions, Transaction, TransactionAnswer } from "#dist/etcd/etcd-client.js";
import { TransactionBatcher } from "#dist/etcd/transaction-batcher.js";

const options: CallOptions = { timeoutMs: 10_000 };
const answer: TransactionAnswer = {
  header: { clusterId: 1n, revision: 1n, raftTerm: 1n },
  sentAt: 0,
  unsettled: false,
  succeeded: true,
  results: [],
};

function transactionOf(line: string): Transaction {
  return { line, compare: [], success: [], failure: [] };
}

test("who was in a batch that got no answer, and was refused when it was repeated, knows of it when sent alone", async () => {
  let letPass = (): void => {};
  const inTheWay = new Promise<void>((resolve) => {
    letPass = resolve;
  });
  const transact = async ({ line }: Transaction, { onFailedTry }: CallOptions): Promise<TransactionAnswer> => {
    if (line === "first" || line === "second") await inTheWay;
    if (line !== undefined) return answer;
    onFailedTry?.("etcd:2379", "no answer");
    throw new EtcdRefusedError("refused", "NOT_FOUND", "etcd:2379");
  };
  const batcher = new TransactionBatcher(transact, systemClock);
  const lines = ["first", "second", "third", "fourth"];
  const answers = lines.map((line) => batcher.transact(transactionOf(line), options));
  letPass();
  const unsettled = (await Promise.all(answers)).map((each) => each.unsettled);
  assert.deepEqual(unsettled, [false, false, true, true]);
});
