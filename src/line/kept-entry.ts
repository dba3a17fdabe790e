import { EtcdRefusedError } from "../errors.ts";
import type { CallOptions } from "../etcd/etcd-client.ts";
import type { Chore } from "../session/chores.ts";
import { grantLease, revokeLater } from "../session/lease-pair.ts";
import { giveBackPlace } from "./hand-over.ts";
import type { Hold } from "./hold.ts";
import { keepTransaction, readFound } from "./hold-transactions.ts";
import { leaveLinesLater } from "./leave-lines.ts";

/** A hold that ends, and for how long its entry is to be kept in line after that. */
export interface EndingHold {
  readonly hold: Hold;
  readonly keepForMs: number;
}

/**
 * The entry of a hold that has ended, which is to stay in line for a while: moved to a lease of its own, which nobody
 * renews, it goes when the time is over, with us or without. Until etcd has done that, it stays on the session's lease.
 */
export class KeptEntry implements Chore {
  readonly #hold: Hold;
  readonly #until: number;
  #leaseId: bigint | undefined;
  /** A write was not answered: the entry may be on the lease, or come to be. */
  #isInDoubt = false;

  constructor({ hold, keepForMs }: EndingHold) {
    this.#hold = hold;
    this.#until = hold.session.clock.now() + keepForMs;
  }

  /**
   * Moves the entry to its lease. Whether it is there now; if not, it is not ours any more.
   *
   * @throws EtcdUnavailableError, EtcdRefusedError, the signal's reason: neither is known, and it can be tried again.
   */
  async keep(options: CallOptions): Promise<boolean> {
    const { clock, tryTimeoutMs } = this.#hold.session;
    const giveUpAt = clock.now() + options.timeoutMs;
    this.#leaseId ??= await this.#grantLease({ ...options, tryTimeoutMs });
    const leftMs = giveUpAt - clock.now();
    const isKept = await this.#write(this.#leaseId, { ...options, tryTimeoutMs, timeoutMs: leftMs });
    if (isKept) for (const session of this.#hold.sessions) giveBackPlace(session, this.#hold.admission.entry);
    else this.#giveUpLease();
    return isKept;
  }

  async carryOut(options: CallOptions): Promise<void> {
    const isKept = this.#leftMs > 0 && (await this.keep(options));
    if (!isKept) this.abandon();
  }

  /** Leaves the line. */
  abandon(): void {
    for (const session of this.#hold.sessions) leaveLinesLater(session, [this.#hold.place]);
  }

  get #leftMs(): number {
    return this.#until - this.#hold.session.clock.now();
  }

  async #grantLease(options: CallOptions): Promise<bigint> {
    const { id } = await grantLease(this.#hold.session.client, Math.ceil(this.#leftMs / 1_000), options);
    return id;
  }

  async #write(leaseId: bigint, options: CallOptions): Promise<boolean> {
    const { admission, session, sessions } = this.#hold;
    const ownLeases = sessions.map((each) => each.leaseId);
    const until = Math.ceil(Date.now() + this.#leftMs);
    const onFailedTry = (endpoint: string, message: string): void => {
      this.#isInDoubt = true;
      options.onFailedTry?.(endpoint, message);
    };
    try {
      const transaction = keepTransaction(admission, ownLeases, leaseId, until);
      const { results } = await session.client.transact(transaction, { ...options, onFailedTry });
      return readFound(results.slice(-2)).entry?.leaseId === leaseId;
    } catch (error) {
      if (!(error instanceof EtcdRefusedError)) this.#isInDoubt = true;
      else if (!this.#isInDoubt || error.status === "NOT_FOUND") this.#giveUpLease();
      throw error;
    }
  }

  /** Nothing is bound to it, and nothing will be. */
  #giveUpLease(): void {
    if (this.#leaseId !== undefined) revokeLater(this.#hold.session.client, this.#leaseId);
    this.#leaseId = undefined;
    this.#isInDoubt = false;
  }
}
