import { onAbort, Scope } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { DeadlineAlarm, type Due } from "../deadline-alarm.ts";
import { defaultTryTimeoutMs, listFailures, unavailable } from "./endpoint-rotation.ts";
import type { CallOptions, TransactionAnswer } from "./etcd-client.ts";
import { type Transaction, weigh } from "./transaction.ts";

/** What the time limits of all members rest on. */
export class BatchTiming {
  readonly clock: Clock;
  readonly deadlines: DeadlineAlarm;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
    this.deadlines = new DeadlineAlarm(clock, true);
  }

  /** When etcd last answered anything. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  answered(): void {
    this.#answeredAt = this.clock.now();
  }
}

interface Settlers {
  resolve(answer: TransactionAnswer): void;
  reject(error: unknown): void;
}

/** Why a call ends whose members have all been settled: most of them by its answer. Made once, for its stack is dear. */
const unwanted = new Error("nobody waits for this any more");

/** One transaction in the queue, or on its way with others, with a signal and a time limit of its own. */
export class BatchMember implements Due {
  readonly transaction: Transaction;
  /** {@link weigh}ed once: a member may be looked at many times before it goes. */
  readonly bytes: number;
  readonly #options: CallOptions;
  readonly #timing: BatchTiming;
  readonly #settlers: Settlers;
  /** Of each endpoint the last; most members see none. */
  #failures: Map<string, string> | undefined;
  readonly #queuedAt: number;
  #stopListening = (): void => {};
  #sentAt: number | undefined;
  #isSettled = false;
  #onSettled: (() => void) | undefined;

  constructor(transaction: Transaction, options: CallOptions, timing: BatchTiming, settlers: Settlers) {
    this.transaction = transaction;
    this.bytes = weigh(transaction);
    this.#options = options;
    this.#timing = timing;
    this.#settlers = settlers;
    this.#queuedAt = timing.clock.now();
    const { signal, timeoutMs } = options;
    if (timeoutMs !== Number.POSITIVE_INFINITY) timing.deadlines.add(this);
    if (signal !== undefined) this.#stopListening = onAbort(signal, (reason) => this.reject(reason));
  }

  /** The members of `batch` are on their way. How to call etcd: for as long as any of them still wants it. */
  static send(batch: readonly BatchMember[]): CallOptions {
    const scope = new Scope();
    let wanted = batch.length;
    const onSettled = (): void => {
      wanted -= 1;
      if (wanted === 0) scope.abort(unwanted);
    };
    for (const member of batch) {
      member.#sentAt = member.#timing.clock.now();
      member.#onSettled = onSettled;
    }
    return {
      timeoutMs: Number.POSITIVE_INFINITY,
      tryTimeoutMs: Math.min(...batch.map((member) => member.#options.tryTimeoutMs ?? defaultTryTimeoutMs)),
      signal: scope,
      onFailedTry: (endpoint, message) => {
        for (const member of batch) member.#noteFailedTry(endpoint, message);
      },
    };
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** While it is queued, its time limit begins anew with each answer of etcd: it is about etcd, not about how busy we are. */
  get dueAt(): number {
    return (this.#sentAt ?? Math.max(this.#queuedAt, this.#timing.answeredAt)) + this.#options.timeoutMs;
  }

  onDue(): void {
    this.reject(unavailable(listFailures(this.#failures ?? new Map()), this.#options.timeoutMs));
  }

  /** Whoever answers in the end: a try that went before, perhaps with others, may have been carried out, or be yet. */
  resolve(answer: TransactionAnswer): void {
    const unsettled = answer.unsettled || this.#failures !== undefined;
    if (this.#settle()) this.#settlers.resolve(unsettled === answer.unsettled ? answer : { ...answer, unsettled });
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#settlers.reject(error);
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#timing.deadlines.remove(this);
    this.#stopListening();
    this.#onSettled?.();
    return true;
  }

  #noteFailedTry(endpoint: string, message: string): void {
    if (this.#isSettled) return;
    this.#failures ??= new Map();
    this.#failures.set(endpoint, message);
    this.#options.onFailedTry?.(endpoint, message);
  }
}
