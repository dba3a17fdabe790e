import { Scope } from "./abort.ts";
import type { OperationResult } from "./etcd/etcd-client.ts";
import type { Change, Hold } from "./line/hold.ts";
import { checkOutsideLine, type Guarded, guardedTransaction } from "./line/hold-transactions.ts";

/** How long a rewrite tries, in milliseconds. */
const rewriteTimeoutMs = 4_500;

/** What a lock is asked to do in etcd while it is held. */
export class HeldRequests {
  readonly #hold: Hold;
  readonly #lost: Scope;
  readonly #assertNotOver: () => void;
  readonly #over = new Scope();
  #turns: Promise<void> = Promise.resolve();

  /** `lost` aborts when the lock is lost; `assertNotOver` throws when it is lost or released. */
  constructor(hold: Hold, lost: Scope, assertNotOver: () => void) {
    this.#hold = hold;
    this.#lost = lost;
    this.#assertNotOver = assertNotOver;
  }

  /** The lock is not held any more: nothing is to be rewritten now. */
  end(): void {
    this.#over.abort(new Error("the lock is over"));
  }

  /** Renews now, and every `refreshIntervalMs` from now on. Whether it is proved. @throws LockLostError, NotHeldError. */
  async renew(refreshIntervalMs: number | undefined): Promise<boolean> {
    this.#assertNotOver();
    const { clock } = this.#hold.session;
    this.#hold.refreshIntervalMs = refreshIntervalMs ?? this.#hold.refreshIntervalMs;
    const startedAt = clock.now();
    await this.#inTurn(() => this.#hold.session.renew());
    this.#assertNotOver();
    return this.#hold.provedAt >= startedAt;
  }

  /** @throws as `HeldLock.transact`. */
  async transact(guarded: Guarded): Promise<readonly OperationResult[] | undefined> {
    this.#assertNotOver();
    const { client, tryTimeoutMs } = this.#hold.session;
    checkOutsideLine(this.#hold.admission.entry.line, guarded.success);
    const transaction = guardedTransaction(this.#hold.admission, guarded);
    const options = { timeoutMs: tryTimeoutMs, tryTimeoutMs, once: true, signal: this.#lost };
    const answer = await client.transact(transaction, options);
    if (answer.succeeded) return answer.results;
    this.#hold.onNotOurs(answer.results);
    this.#assertNotOver();
    return undefined;
  }

  /** Writes entry and record anew. @throws LockLostError, NotHeldError; EtcdUnavailableError, EtcdRefusedError. */
  async rewrite(change: Change): Promise<void> {
    await this.#inTurn(async () => {
      this.#assertNotOver();
      try {
        await this.#hold.rewrite(change, { timeoutMs: rewriteTimeoutMs, signal: this.#over });
      } finally {
        // What was cut short by a loss or a release fails with that.
        this.#assertNotOver();
      }
    });
  }

  /** One after the other: each builds on what the one before has written. */
  async #inTurn(step: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(step);
    this.#turns = turn.catch(() => {});
    await turn;
  }
}
