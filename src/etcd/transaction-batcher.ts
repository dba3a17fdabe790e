import { nextTick } from "node:process";
import type { Clock } from "../clock.ts";
import { EtcdRefusedError } from "../errors.ts";
import { BatchMember, BatchTiming } from "./batch-member.ts";
import type { CallOptions, TransactionAnswer } from "./etcd-client.ts";
import { mostBytes, nested, type Transaction } from "./transaction.ts";

/** Sends one transaction, and tries until it is answered. */
export type Transact = (transaction: Transaction, options: CallOptions) => Promise<TransactionAnswer>;

/**
 * So many etcd transactions are under way at once; what comes meanwhile travels together in the next. More of them make
 * each smaller, and are worth it only where many wait.
 */
const mostInFlight = { usually: 2, whenMany: 4 };
const many = 16;
/** etcd takes 128 operations in a transaction, and those of a nested one count against what is left: ours need up to 8. */
const mostMembers = 100;

/**
 * Has transactions that are under way at the same time travel together, as nested transactions of one. Alone, a
 * transaction is sent as it is, when those who are at it have said what they want: in the same turn of the event loop.
 *
 * etcd evaluates all conditions of a transaction before it writes anything: two that enter the same line must not share
 * one, or both could find it empty. One that leaves it may go with one that enters: as long as its entry is there, the other
 * finds that the line is not empty. It goes first: etcd carries out one after the other, and what the other reads must be
 * how things are then.
 */
export class TransactionBatcher {
  readonly #transact: Transact;
  readonly #timing: BatchTiming;
  #queue: BatchMember[] = [];
  #inFlight = 0;
  #isFlushing = false;

  constructor(transact: Transact, clock: Clock) {
    this.#transact = transact;
    this.#timing = new BatchTiming(clock);
  }

  /**
   * As {@link Transact}, for a transaction that says which line it concerns. While it waits here for its turn, its time limit begins anew
   * with each answer of etcd: it is about etcd's silence, and not about how busy we are.
   */
  transact(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    return new Promise((resolve, reject) => {
      this.#queue.push(new BatchMember(transaction, options, this.#timing, { resolve, reject }));
      this.#flushSoon();
    });
  }

  /** Those who got an answer just now may have their next request ready in a moment: then all of them go in one. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    nextTick(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#inFlight < (this.#queue.length >= many ? mostInFlight.whenMany : mostInFlight.usually)) {
      const batch = this.#takeBatch();
      if (batch.length === 0) return;
      void this.#send(batch);
    }
  }

  /** The first of the queue, and of those behind whatever can go with it. What has to stay keeps its order. */
  #takeBatch(): BatchMember[] {
    const leaving: BatchMember[] = [];
    const others: BatchMember[] = [];
    const rest: BatchMember[] = [];
    const [linesLeft, lines] = [new Set<string | undefined>(), new Set<string | undefined>()];
    let bytes = 0;
    let seen = 0;
    for (const member of this.#queue) {
      const members = leaving.length + others.length;
      if (members === mostMembers) break;
      seen += 1;
      if (member.isSettled) continue;
      const { line, isLeaving = false } = member.transaction;
      const taken = isLeaving ? linesLeft : lines;
      if (taken.has(line) || (members > 0 && bytes + member.bytes > mostBytes)) {
        rest.push(member);
      } else {
        (isLeaving ? leaving : others).push(member);
        bytes += member.bytes;
      }
      taken.add(line);
    }
    this.#queue = [...rest, ...this.#queue.slice(seen)];
    return [...leaving, ...others];
  }

  async #send(batch: readonly BatchMember[]): Promise<void> {
    try {
      const answer = await this.#fly(together(batch), BatchMember.send(batch));
      for (const [index, member] of batch.entries()) member.resolve(batch.length === 1 ? answer : part(answer, index));
    } catch (error) {
      // One refused operation fails the whole transaction: by themselves, the others are carried out.
      if (error instanceof EtcdRefusedError && batch.length > 1) {
        await Promise.all(batch.filter(({ isSettled }) => !isSettled).map((member) => this.#send([member])));
      } else for (const member of batch) member.reject(error);
    }
  }

  async #fly(transaction: Transaction, options: CallOptions): Promise<TransactionAnswer> {
    this.#inFlight += 1;
    try {
      const answer = await this.#transact(transaction, options);
      this.#timing.answered();
      return answer;
    } catch (error) {
      if (error instanceof EtcdRefusedError) this.#timing.answered();
      throw error;
    } finally {
      this.#inFlight -= 1;
      this.#flushSoon();
    }
  }
}

function together(batch: readonly BatchMember[]): Transaction {
  const [first] = batch;
  if (first !== undefined && batch.length === 1) return first.transaction;
  return { compare: [], success: batch.map(({ transaction }) => nested(transaction)), failure: [] };
}

function part({ header, sentAt, unsettled, results: all }: TransactionAnswer, index: number): TransactionAnswer {
  const result = all[index];
  const { succeeded, results } = result?.kind === "transaction" ? result : { succeeded: false, results: [] };
  return { header, sentAt, unsettled, succeeded, results };
}
