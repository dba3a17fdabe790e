import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectDirectly } from "#dist/etcd/connect-directly.js";
import type { Connection } from "#dist/etcd/connection.js";
import type { ResponseOp, TxnRequest, WatchResponse } from "#dist/etcd/gen/etcd.js";
import { leaseGrant, leaseRevoke, leaseTimeToLive, watch } from "#dist/etcd/methods.js";
import { status } from "#dist/grpc/status.js";
import { type EtcdCluster, startEtcd } from "#dist/testing/index.js";
import { fillUp } from "../support/etcd-space.ts";
import { eventually } from "../support/eventually.ts";
import { plainTxn } from "../support/plain-transactions.ts";
import { Random } from "../support/random.ts";
import { type Commit, EtcdModel } from "./etcd-model.ts";
import { RandomTransactions } from "./random-transactions.ts";

const seeds = [1, 2, 3, 4];
const steps = 300;
const leaseIds = [101n, 102n, 103n];
const longTtl = 600n;

let cluster: EtcdCluster;
before(async () => {
  cluster = await startEtcd();
});
after(() => cluster.stop());

for (const seed of seeds) {
  test(`the model answers ${steps} random requests as etcd does (seed ${seed})`, async () => {
    const random = new Random(seed);
    const connection = connectDirectly(cluster.endpoints[0] ?? "");
    const prefix = `/model/${seed}/`;
    const commits: Commit[] = [];
    const model = new EtcdModel(2n, (commit) => commits.push(commit));
    const transactions = new RandomTransactions(
      random,
      prefix,
      leaseIds.map((id) => id + BigInt(seed) * 1_000n),
    );
    const watching = watchRange(connection, prefix);
    try {
      await eventually(
        "the watch stands",
        () => watching.revision,
        (revision) => revision > 0n,
      );
      // What was there before, and the number that it has, is the cluster's own.
      model.revision = watching.revision;
      const refused = await compare(connection, model, transactions, random, steps);
      const seen = commits.flatMap(({ events }) => events.map(describeEvent));
      await eventually(
        "all events have come",
        () => watching.events.length,
        (count) => count >= seen.length,
      );
      assert.deepEqual(seen, watching.events);
      assert.ok(refused > 0 && refused < steps * 0.7, `${refused} refusals`);
    } finally {
      watching.end();
      for (const id of transactions.leaseIds) await unary(connection, leaseRevoke, { id }).catch(() => undefined);
      connection.discard();
    }
  });
}

test("and refuses what etcd refuses when it has no space left", async () => {
  await using full = await startEtcd({ extraArguments: [`--quota-backend-bytes=${4 * 1_024 * 1_024}`] });
  const connection = connectDirectly(full.endpoints[0] ?? "");
  const random = new Random(5);
  const model = new EtcdModel(2n, () => undefined);
  const transactions = new RandomTransactions(random, "/model/", leaseIds);
  try {
    model.revision = await readRevision(connection);
    await compare(connection, model, transactions, random, 60);
    await fillUp(full);
    model.isFull = true;
    model.revision = await readRevision(connection);
    const refused = await compare(connection, model, transactions, random, steps);
    assert.ok(refused > steps * 0.2 && refused < steps * 0.9, `${refused} refusals`);
  } finally {
    connection.discard();
  }
});

/** Sends the same requests to both. How many were refused. */
async function compare(
  connection: Connection,
  model: EtcdModel,
  transactions: RandomTransactions,
  random: Random,
  count: number,
): Promise<number> {
  let refused = 0;
  for (let step = 0; step < count; step += 1) {
    const [real, modelled] = random.chance(0.15)
      ? await askLease(connection, model, random.oneOf(transactions.leaseIds), random)
      : await transact(connection, model, transactions.next(model.revision));
    assert.deepEqual(refusedAlike(modelled, model), refusedAlike(real, model), `step ${step}`);
    if ("refused" in real) refused += 1;
  }
  return refused;
}

/** Without space, it depends on how much is missing which of two complaints comes first. */
function refusedAlike(answer: Answer, { isFull }: EtcdModel): Answer {
  const isInvalid = "refused" in answer && answer.refused === status.INVALID_ARGUMENT;
  return isFull && isInvalid ? { refused: status.RESOURCE_EXHAUSTED } : answer;
}

async function readRevision(connection: Connection): Promise<bigint> {
  const { header } = await unary(connection, plainTxn, { compare: [], success: [], failure: [] });
  return header?.revision ?? 0n;
}

/** What came of a request, in a form in which real and modelled answers can be compared. */
type Answer = { readonly refused: number } | { readonly revision: bigint; readonly said: unknown };

async function transact(connection: Connection, model: EtcdModel, request: TxnRequest): Promise<[Answer, Answer]> {
  const real = await ask(async () => {
    const { header, succeeded, responses } = await unary(connection, plainTxn, request);
    return { revision: header?.revision ?? 0n, said: [succeeded, responses.map(describeResponse)] };
  });
  const modelled = await ask(() => {
    const { revision, succeeded, responses } = model.transact(request);
    return { revision, said: [succeeded, responses.map(describeResponse)] };
  });
  return [real, modelled];
}

async function askLease(
  connection: Connection,
  model: EtcdModel,
  id: bigint,
  random: Random,
): Promise<[Answer, Answer]> {
  const choice = random.below(3);
  const real = await ask(async () => {
    if (choice === 0) {
      const { header, ttl } = await unary(connection, leaseGrant, { id, ttl: longTtl });
      return { revision: header?.revision ?? 0n, said: ttl };
    }
    if (choice === 1) {
      const { header } = await unary(connection, leaseRevoke, { id });
      return { revision: header?.revision ?? 0n, said: undefined };
    }
    const { grantedTtl, keys } = await unary(connection, leaseTimeToLive, { id, keys: true });
    return { revision: 0n, said: [grantedTtl, new Set(keys.map(String))] };
  });
  const modelled = await ask(() => {
    if (choice === 0) return { said: model.grant(id, longTtl), revision: model.revision };
    if (choice === 1) return { said: model.revoke(id), revision: model.revision };
    const lease = model.leases.get(id);
    return {
      revision: 0n,
      said: [lease?.ttl ?? 0n, new Set([...(lease?.keys ?? [])].map((key) => `${Buffer.from(key, "latin1")}`))],
    };
  });
  return [real, modelled];
}

async function ask(request: () => Promise<Answer> | Answer): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "number") return { refused: error.code };
    throw error;
  }
}

function unary<Request, Response>(
  connection: Connection,
  method: Parameters<typeof connection.unary<Request, Response>>[0],
  request: Request,
): Promise<Response> {
  return connection.unary(method, request, { timeoutMs: 20_000, signal: undefined });
}

function describeResponse({ response }: ResponseOp): unknown {
  switch (response?.$case) {
    case "responseRange":
      return response.value.kvs.map(({ key, value, ...numbers }) => ({ ...numbers, key: `${key}`, value: `${value}` }));
    case "responseDeleteRange":
      return response.value.deleted;
    case "responseTxn":
      return [response.value.succeeded, response.value.responses.map(describeResponse)];
    default:
      return response?.$case;
  }
}

function describeEvent({ type, kv }: Commit["events"][number]): unknown {
  const { key, value, ...numbers } = kv ?? {};
  return { type, ...numbers, key: `${key}`, value: `${value}` };
}

/** What a real watch tells of all keys with a prefix. */
function watchRange(connection: Connection, prefix: string) {
  const watching = { revision: 0n, events: [] as unknown[], end: () => call.cancel() };
  const onResponse = ({ created, header, events }: WatchResponse): void => {
    if (created) watching.revision = header?.revision ?? 0n;
    watching.events.push(...events.map(describeEvent));
  };
  const call = connection.stream(watch, {}, { onResponse, onEnd: () => {} });
  const value = {
    key: Buffer.from(prefix),
    rangeEnd: Buffer.from(`${prefix.slice(0, -1)}0`),
    startRevision: 0n,
    filters: [],
    prevKv: false,
    watchId: 1n,
  };
  call.send({ requestUnion: { $case: "createRequest", value } });
  return watching;
}
