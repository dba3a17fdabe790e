import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { systemClock } from "#dist/clock.js";
import { EtcdRefusedError } from "#dist/errors.js";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import { createdAt, put, range, remove, type Transaction } from "#dist/etcd/transaction.js";
import { type EtcdCluster, startEtcd } from "#dist/testing/index.js";
import { within } from "../support/eventually.ts";

const options = { timeoutMs: 20_000, tryTimeoutMs: 20_000 };
const noSuchLease = 0x7abcn;

let cluster: EtcdCluster;
let client: GrpcEtcdClient;

before(async () => {
  cluster = await startEtcd();
  client = new GrpcEtcdClient(parseEtcdSource(cluster.endpoints), systemClock);
});

after(async () => {
  client.close();
  await cluster.stop();
});

/** What one caller does to its own line, one thing after the other, each without waiting for other callers. */
const step = fc.constantFrom("take", "give", "read", "refused", "aborted");
const callers = fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 90 });

function transactionFor(kind: string, key: string): Transaction {
  const isFree = createdAt(key, 0n);
  if (kind === "take") return { line: key, compare: [isFree], success: [put(key, "taken", 0n)], failure: [range(key)] };
  if (kind === "give") return { line: key, compare: [], success: [remove(key)], failure: [] };
  if (kind === "refused") return { line: key, compare: [], success: [put(key, "refused", noSuchLease)], failure: [] };
  return { line: key, compare: [], success: [range(key)], failure: [] };
}

/** Plays one caller's steps, and checks each answer against what it would be if nobody else were there. */
async function play(key: string, steps: readonly string[]): Promise<void> {
  let isTaken = false;
  for (const kind of steps) {
    if (kind === "aborted" || kind === "refused") await assertFails(key, kind);
    else isTaken = await assertDone(key, kind, isTaken);
  }
  await client.transact(transactionFor("give", key), options);
}

async function assertFails(key: string, kind: "aborted" | "refused"): Promise<void> {
  const signal = kind === "aborted" ? AbortSignal.abort("enough") : undefined;
  const failure = client.transact(transactionFor(kind, key), { ...options, signal });
  await assert.rejects(failure, (error) =>
    kind === "aborted" ? error === "enough" : error instanceof EtcdRefusedError && error.status === "NOT_FOUND",
  );
}

/** Whether the key is taken afterwards. */
async function assertDone(key: string, kind: string, wasTaken: boolean): Promise<boolean> {
  const { succeeded, results } = await client.transact(transactionFor(kind, key), options);
  const [result] = results;
  assert.equal(succeeded, kind !== "take" || !wasTaken);
  if (kind === "give") assert.deepEqual(result, { kind: "delete", deleted: wasTaken ? 1 : 0 });
  if (kind === "read") assert.equal(result?.kind === "range" && result.keyValues.length, wasTaken ? 1 : 0);
  return kind === "take" || (kind === "read" && wasTaken);
}

test("operations that travel together have the outcomes they would have alone, whatever fails beside them", async () => {
  let run = 0;
  const property = fc.asyncProperty(callers, async (all) => {
    run += 1;
    await Promise.all(all.map((steps, index) => play(`/batch/${run}/${index}`, steps)));
  });
  await fc.assert(property, { numRuns: 40, endOnFailure: true });
});

test("of two that find a line empty at the same time only one enters it", async () => {
  for (let round = 0; round < 20; round += 1) {
    const key = `/race/${round}`;
    const takes = Array.from({ length: 50 }, () => client.transact(transactionFor("take", key), options));
    const entered = (await Promise.all(takes)).filter(({ succeeded }) => succeeded);
    assert.equal(entered.length, 1);
  }
});

test("many small operations need few etcd transactions", async (t) => {
  const before = await receivedTransactions();
  await Promise.all(
    Array.from({ length: 600 }, (_, index) => client.transact(transactionFor("take", `/many/${index}`), options)),
  );
  const sent = (await receivedTransactions()) - before;
  t.diagnostic(`600 operations in ${sent} transactions`);
  assert.ok(sent <= 60, `${sent} transactions`);
});

test("an operation whose values are large leaves room for no others than fit", async () => {
  const value = "x".repeat(100_000);
  const large = Array.from({ length: 30 }, (_, index) =>
    client.transact(
      { line: `l${index}`, compare: [], success: [put(`/large/${index}`, value, 0n)], failure: [] },
      options,
    ),
  );
  await within(20_000, "all are written", Promise.all(large));
});

async function receivedTransactions(): Promise<number> {
  const metrics = await (await fetch(`http://${cluster.endpoints[0]}/metrics`)).text();
  return Number(/^grpc_server_msg_received_total\{grpc_method="Txn".*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}
