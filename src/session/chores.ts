import { EtcdRefusedError } from "../errors.ts";
import type { CallOptions } from "../etcd/etcd-client.ts";

/** Something that is still to be done in etcd for a place that nobody uses any more. */
export interface Chore {
  /** Does it, or finds that it has become needless. @throws EtcdUnavailableError, EtcdRefusedError: to be tried again. */
  carryOut(options: CallOptions): Promise<void>;
  /** The session has ended: it is not tried again. */
  abandon(): void;
}

/** The chores of a session: tried each time its lease has been renewed, and so as soon as etcd answers. */
export class Chores {
  readonly #chores = new Set<Chore>();
  #arePressing = false;
  #underWay: Promise<unknown> = Promise.resolve();

  /** Whether there are some that wait for nothing but etcd. What etcd has refused has time until the next renewal. */
  get arePressing(): boolean {
    return this.#arePressing;
  }

  add(chore: Chore): void {
    this.#chores.add(chore);
    this.#arePressing = true;
  }

  /** Tries each of them once, after the tries that are under way. Whether none is left. @throws EtcdUnavailableError. */
  carryOut(options: CallOptions): Promise<boolean> {
    const tries = this.#underWay.then(() => this.#tryAll(options));
    this.#underWay = tries.catch(() => {});
    return tries;
  }

  abandon(): void {
    for (const chore of this.#chores) chore.abandon();
    this.#chores.clear();
  }

  async #tryAll(options: CallOptions): Promise<boolean> {
    this.#arePressing = false;
    const outcomes = await Promise.allSettled([...this.#chores].map((chore) => this.#try(chore, options)));
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled" || outcome.reason instanceof EtcdRefusedError) continue;
      this.#arePressing = true;
      throw outcome.reason;
    }
    return this.#chores.size === 0;
  }

  async #try(chore: Chore, options: CallOptions): Promise<void> {
    await chore.carryOut(options);
    this.#chores.delete(chore);
  }
}
