import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "#dist/clock.js";
import { EtcdRefusedError } from "#dist/errors.js";
import type { CallOptions, Transaction, TransactionAnswer } from "#dist/etcd/etcd-client.js";
import { TransactionBatcher } from "#dist/etcd/transaction-batcher.js";
import { closedGate } from "../support/gate.ts";

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
  const gate = closedGate();
  const transact = async ({ line }: Transaction, { onFailedTry }: CallOptions): Promise<TransactionAnswer> => {
    if (line === "first" || line === "second") await gate.opened;
    if (line !== undefined) return answer;
    onFailedTry?.("etcd:2379", "no answer");
    throw new EtcdRefusedError("refused", "NOT_FOUND", "etcd:2379");
  };
  const batcher = new TransactionBatcher(transact, systemClock);
  const first = batcher.transact(transactionOf("first"), options);
  await nextTurn();
  const second = batcher.transact(transactionOf("second"), options);
  await nextTurn();
  const answers = [first, second, ...["third", "fourth"].map((line) => batcher.transact(transactionOf(line), options))];
  gate.open();
  const unsettled = (await Promise.all(answers)).map((each) => each.unsettled);
  assert.deepEqual(unsettled, [false, false, true, true]);
});

/** Notes what is sent, and answers it as etcd would. */
function noteSent(sent: string[][]): TransactionBatcher {
  const transact = ({ line, success }: Transaction): Promise<TransactionAnswer> => {
    const nested = success.flatMap((operation) => (operation.kind === "transaction" ? [operation.transaction] : []));
    sent.push(line === undefined ? nested.map((each) => each.line ?? "") : [line]);
    const results = nested.map(() => ({ kind: "transaction", succeeded: true, results: [] }) as const);
    return Promise.resolve({ ...answer, results });
  };
  return new TransactionBatcher(transact, systemClock);
}

test("what is asked for in one turn of the event loop travels together, and of each line one", async () => {
  const sent: string[][] = [];
  const batcher = noteSent(sent);
  await Promise.all(["a", "b", "a", "c", "b"].map((line) => batcher.transact(transactionOf(line), options)));
  assert.deepEqual(sent, [
    ["a", "b", "c"],
    ["a", "b"],
  ]);
});

test("one that leaves a line goes with one that enters it, and before it; with another that leaves it does not", async () => {
  const sent: string[][] = [];
  const batcher = noteSent(sent);
  const leave = (line: string): Transaction => ({ ...transactionOf(line), isLeaving: true });
  const asked = [transactionOf("a"), transactionOf("b"), leave("a"), leave("c"), leave("a"), transactionOf("c")];
  await Promise.all(asked.map((transaction) => batcher.transact(transaction, options)));
  assert.deepEqual(sent, [["a", "c", "a", "b", "c"], ["a"]]);
});
