import { EtcdRefusedError } from "../errors.ts";
import type {
  CallOptions,
  EtcdClient,
  Header,
  LeaseAnswer,
  Transaction,
  TransactionAnswer,
} from "../etcd/etcd-client.ts";
import { nested } from "../etcd/transaction.ts";
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
  for (let start = 0; start < holds.length; start += mostInTouch) {
    refusals.push(...(await touchBatch(client, holds.slice(start, start + mostInTouch), context, options)));
  }
  const [first] = refusals;
  if (first !== undefined) throw first;
}

/** Touches what etcd lets us touch. One refused operation fails the whole transaction, and is found one by one. */
async function touchBatch(
  client: EtcdClient,
  batch: readonly Renewable[],
  context: TouchContext,
  options: CallOptions,
): Promise<readonly EtcdRefusedError[]> {
  try {
    settle(batch, await client.transact(all(batch.map((hold) => hold.touch())), options), context);
    return [];
  } catch (error) {
    if (!(error instanceof EtcdRefusedError)) throw error;
    if (error.status !== "RESOURCE_EXHAUSTED") return await touchOneByOne(client, batch, context, options, error);
    await confirmByRead(client, batch, context, options);
    return [];
  }
}

async function touchOneByOne(
  client: EtcdClient,
  batch: readonly Renewable[],
  context: TouchContext,
  options: CallOptions,
  refusal: EtcdRefusedError,
): Promise<readonly EtcdRefusedError[]> {
  if (batch.length === 1) return [refusal];
  const refusals: EtcdRefusedError[] = [];
  for (const hold of batch) refusals.push(...(await touchBatch(client, [hold], context, options)));
  return refusals;
}

/**
 * When etcd takes no writes for lack of space, a linearizable read in the same raft term as the keepalive's answer
 * stands for the touch: then the leader that renewed the lease is still the leader, and its promise is all there is.
 */
async function confirmByRead(
  client: EtcdClient,
  batch: readonly Renewable[],
  context: TouchContext,
  options: CallOptions,
): Promise<void> {
  const answer = await client.transact(all(batch.map((hold) => hold.check())), options);
  if (answer.header.raftTerm === context.keepAlive.header.raftTerm) settle(batch, answer, context);
  else context.onNewTerm();
}

function all(transactions: readonly Transaction[]): Transaction {
  return { compare: [], success: transactions.map(nested), failure: [] };
}

function settle(batch: readonly Renewable[], answer: TransactionAnswer, { isCredible }: TouchContext): void {
  if (!isCredible(answer.header)) return;
  for (const [index, hold] of batch.entries()) {
    const result = answer.results[index];
    if (result?.kind !== "transaction") continue;
    if (result.succeeded) hold.onTouched(answer.sentAt);
    else hold.onNotOurs(result.results);
  }
}
