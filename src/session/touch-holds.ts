import { EtcdRefusedError } from "../errors.ts";
import type {
  CallOptions,
  EtcdClient,
  Header,
  LeaseAnswer,
  Transaction,
  TransactionAnswer,
} from "../etcd/etcd-client.ts";
import { mostBytes, nested, weigh } from "../etcd/transaction.ts";
import type { Renewable } from "./renewable.ts";

/** So many holds are touched in one transaction: etcd takes 128 operations, and in a nested one as many as are left. */
export const mostInTouch = 100;

/** What the answer to a touch is judged by. */
export interface TouchContext {
  /** The last answer to the lease's own renewal. */
  readonly keepAlive: LeaseAnswer;
  /** There has been an election since: the lease is to be renewed first. */
  readonly onNewTerm: () => void;
  /** Whether an answer comes from the cluster, and continues the history, that the session knows. */
  readonly isCredible: (header: Header) => boolean;
}

/** A hold, and what touches it. */
interface Touch {
  readonly hold: Renewable;
  readonly transaction: Transaction;
}

/**
 * Touches every hold, many in one transaction.
 *
 * @throws EtcdUnavailableError; EtcdRefusedError, after all others have been touched.
 */
export async function touchHolds(
  client: EtcdClient,
  holds: readonly Renewable[],
  context: TouchContext,
  options: CallOptions,
): Promise<void> {
  const refusals: EtcdRefusedError[] = [];
  for (let next = 0; next < holds.length; ) {
    const batch = takeBatch(holds, next);
    refusals.push(...(await touchBatch(client, batch, context, options)));
    next += batch.length;
  }
  const [first] = refusals;
  if (first !== undefined) throw first;
}

/** As many as can travel together: what is too large would be refused in the same words as when etcd has no space. */
function takeBatch(holds: readonly Renewable[], start: number): readonly Touch[] {
  const batch: Touch[] = [];
  let bytes = 0;
  for (const hold of holds.slice(start, start + mostInTouch)) {
    const transaction = hold.touch();
    bytes += weigh(transaction);
    if (bytes > mostBytes && batch.length > 0) break;
    batch.push({ hold, transaction });
  }
  return batch;
}

/** Touches what etcd lets us touch. One refused operation fails the whole transaction, and is found one by one. */
async function touchBatch(
  client: EtcdClient,
  batch: readonly Touch[],
  context: TouchContext,
  options: CallOptions,
): Promise<readonly EtcdRefusedError[]> {
  const holds = batch.map(({ hold }) => hold);
  try {
    settle(holds, await client.transact(all(batch.map(({ transaction }) => transaction)), options), context);
    return [];
  } catch (error) {
    if (!(error instanceof EtcdRefusedError)) throw error;
    if (error.status !== "RESOURCE_EXHAUSTED") return await touchOneByOne(client, batch, context, options, error);
    await confirmByRead(client, holds, context, options);
    return [];
  }
}

async function touchOneByOne(
  client: EtcdClient,
  batch: readonly Touch[],
  context: TouchContext,
  options: CallOptions,
  refusal: EtcdRefusedError,
): Promise<readonly EtcdRefusedError[]> {
  if (batch.length === 1) return [refusal];
  const refusals: EtcdRefusedError[] = [];
  for (const touch of batch) refusals.push(...(await touchBatch(client, [touch], context, options)));
  return refusals;
}

/**
 * When etcd takes no writes for lack of space, a linearizable read in the same raft term as the keepalive's answer
 * stands for the touch: then the leader that renewed the lease is still the leader, and its promise is all there is.
 */
async function confirmByRead(
  client: EtcdClient,
  holds: readonly Renewable[],
  context: TouchContext,
  options: CallOptions,
): Promise<void> {
  const answer = await client.transact(all(holds.map((hold) => hold.check())), options);
  if (answer.header.raftTerm === context.keepAlive.header.raftTerm) settle(holds, answer, context);
  else context.onNewTerm();
}

function all(transactions: readonly Transaction[]): Transaction {
  return { compare: [], success: transactions.map(nested), failure: [] };
}

function settle(holds: readonly Renewable[], answer: TransactionAnswer, { isCredible }: TouchContext): void {
  if (!isCredible(answer.header)) return;
  for (const [index, hold] of holds.entries()) {
    const result = answer.results[index];
    if (result?.kind !== "transaction") continue;
    if (result.succeeded) hold.onTouched(answer.sentAt);
    else hold.onNotOurs(result.results);
  }
}
