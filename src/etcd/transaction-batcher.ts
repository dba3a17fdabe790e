import { onAbort } from "../abort.ts";
import type { Alarm, Clock } from "../clock.ts";
import { EtcdRefusedError } from "../errors.ts";
import { listFailures, unavailable } from "./endpoint-rotation.ts";
import type { CallOptions, TransactionAnswer } from "./etcd-client.ts";
import { nested, type Transaction, weigh } from "./transaction.ts";

/** Sends one transaction, and tries until it is answered. */
export type Transact = (transaction: Transaction, options: CallOptions) => Promise<TransactionAnswer>;

/** So many etcd transactions are under way at once; what comes meanwhile travels together in the next. */
const mostInFlight = 4;
/** etcd takes 128 operations in a transaction, and those of a nested one count against what is left. */
const mostMembers = 60;
/** etcd takes requests of up to 1.5 MiB. */
const mostBytes = 512 * 1024;

/** One transaction on its way, alone or with others. */
interface Member {
  readonly transaction: Transaction;
  /** {@link weigh}ed once: a member may be looked at many times before it goes. */
  readonly bytes: number;
  readonly options: CallOptions;
  readonly failures: Map<string, string>;
  isSettled: boolean;
  readonly onSettled: (() => void)[];
  resolve(answer: TransactionAnswer): void;
  reject(error: unknown): void;
}

/**
 * Has transactions that are under way at the same time travel together, as nested transactions of one. Alone, a
 * transaction is sent as it is, and at once.
 *
 * etcd evaluates all conditions of a transaction before it writes anything: two that concern the same line must not share
 * one, or both could find it empty.
 */
export class TransactionBatcher {
  readonly #transact: Transact;
  readonly #clock: Clock;
  #queue: Member[] = [];
  #inFlight = 0;

  constructor(transact: Transact, clock: Clock) {
    this.#transact = transact;
    this.#clock = clock;
  }

  /** As {@link Transact}, for a transaction that says which line it concerns. */
  transact(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    return new Promise((resolve, reject) => {
      this.#queue.push(makeMember(transaction, options, this.#clock, resolve, reject));
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#inFlight < mostInFlight) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      this.#inFlight += 1;
      void this.#send(batch).finally(() => {
        this.#inFlight -= 1;
        this.#flush();
      });
    }
  }

  /** The first of the queue, and of those behind whatever can go with it. What has to stay keeps its order. */
  #takeBatch(): Member[] {
    const batch: Member[] = [];
    const rest: Member[] = [];
    const lines = new Set<string | undefined>();
    let bytes = 0;
    let seen = 0;
    for (const member of this.#queue) {
      if (batch.length === mostMembers) break;
      seen += 1;
      if (member.isSettled) continue;
      const { line } = member.transaction;
      if (lines.has(line) || (batch.length > 0 && bytes + member.bytes > mostBytes)) {
        rest.push(member);
      } else {
        batch.push(member);
        bytes += member.bytes;
      }
      lines.add(line);
    }
    this.#queue = [...rest, ...this.#queue.slice(seen)];
    return batch;
  }

  async #send(batch: readonly Member[]): Promise<void> {
    try {
      const answer = await this.#transact(together(batch), optionsOf(batch));
      for (const [index, member] of batch.entries()) member.resolve(batch.length === 1 ? answer : part(answer, index));
    } catch (error) {
      // One refused operation fails the whole transaction: by themselves, the others are carried out.
      if (error instanceof EtcdRefusedError && batch.length > 1) {
        await Promise.all(batch.filter(({ isSettled }) => !isSettled).map((member) => this.#send([member])));
      } else for (const member of batch) member.reject(error);
    }
  }
}

function makeMember(
  transaction: Transaction,
  options: CallOptions,
  clock: Clock,
  resolve: (answer: TransactionAnswer) => void,
  reject: (error: unknown) => void,
): Member {
  const settle = (settlePromise: () => void): void => {
    if (member.isSettled) return;
    member.isSettled = true;
    alarm?.cancel();
    stopListening();
    settlePromise();
    for (const listener of member.onSettled) listener();
  };
  const member: Member = {
    transaction,
    bytes: weigh(transaction),
    options,
    failures: new Map(),
    isSettled: false,
    onSettled: [],
    resolve: (answer) => settle(() => resolve(answer)),
    reject: (error) => settle(() => reject(error)),
  };
  let alarm: Alarm | undefined;
  let stopListening = (): void => {};
  if (options.timeoutMs !== Number.POSITIVE_INFINITY) {
    alarm = clock.schedule(options.timeoutMs, () =>
      member.reject(unavailable(listFailures(member.failures), options.timeoutMs)),
    );
  }
  if (options.signal !== undefined) stopListening = onAbort(options.signal, member.reject);
  return member;
}

function together(batch: readonly Member[]): Transaction {
  const [first] = batch;
  if (first !== undefined && batch.length === 1) return first.transaction;
  return { compare: [], success: batch.map(({ transaction }) => nested(transaction)), failure: [] };
}

/** Each member keeps its own time limit and signal; the call goes on while any of them still wants it. */
function optionsOf(batch: readonly Member[]): CallOptions {
  const controller = new AbortController();
  const abandonIfUnwanted = (): void => {
    if (batch.every(({ isSettled }) => isSettled)) controller.abort(new Error("nobody waits for this any more"));
  };
  for (const { onSettled } of batch) onSettled.push(abandonIfUnwanted);
  return {
    timeoutMs: Number.POSITIVE_INFINITY,
    tryTimeoutMs: Math.min(...batch.map(({ options }) => options.tryTimeoutMs ?? Number.POSITIVE_INFINITY)),
    signal: controller.signal,
    onFailedTry: (endpoint, message) => {
      for (const { failures, isSettled, options } of batch) {
        if (isSettled) continue;
        failures.set(endpoint, message);
        options.onFailedTry?.(endpoint, message);
      }
    },
  };
}

function part(answer: TransactionAnswer, index: number): TransactionAnswer {
  const result = answer.results[index];
  const { succeeded, results } = result?.kind === "transaction" ? result : { succeeded: false, results: [] };
  return { ...answer, succeeded, results };
}
