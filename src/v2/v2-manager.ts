import type { AcquireOptions, TryAcquireOptions } from "../acquire-options.ts";
import { LockTimeoutError } from "../errors.ts";
import { type EtcdOptions, parseEtcdSource } from "../etcd/endpoints.ts";
import type { LockManagerSettings } from "../lock-manager-options.ts";
import { toV2Access } from "./v2-access.ts";
import type { V2HeldLock } from "./v2-held-lock.ts";
import { V2Locks } from "./v2-locks.ts";

/** One lock, in the place of several. */
export interface V2HeldLocks {
  readonly names: readonly string[];
  readonly signal: AbortSignal;
  readonly held: boolean;
  readonly remaining: number;
  get(name: string): V2HeldLock;
  release(): Promise<boolean>;
}

/** What the command does with a `LockManager`, on etcd's v2 API. */
export class V2Manager extends V2Locks {
  readonly #settings: LockManagerSettings;

  /** @throws TypeError that names the option, what came and what is allowed. */
  constructor(etcd: EtcdOptions, settings: LockManagerSettings) {
    super(toV2Access(parseEtcdSource(etcd)));
    this.#settings = settings;
  }

  /** One lock: no step of the v2 API takes several. @throws RangeError for several; as {@link V2Locks.acquire}. */
  async acquireAll(names: readonly string[], options: AcquireOptions): Promise<V2HeldLocks> {
    const [name, ...others] = names;
    if (name === undefined || others.length > 0) {
      throw new RangeError(`on etcd's v2 API there is one lock at a time; got ${names.length}`);
    }
    const lock = await this.acquire(name, { ...this.#settings, ...options });
    return {
      names,
      get signal() {
        return lock.signal;
      },
      get held() {
        return lock.held;
      },
      get remaining() {
        return lock.remaining;
      },
      get: () => lock,
      release: () => lock.release(),
    };
  }

  /** The same without waiting: `null` when it is not to be had now. */
  async tryAcquireAll(names: readonly string[], options: TryAcquireOptions): Promise<V2HeldLocks | null> {
    try {
      return await this.acquireAll(names, { ...options, timeout: 0 });
    } catch (error) {
      // With a cause, etcd has not said that somebody has it.
      if (error instanceof LockTimeoutError && error.cause === undefined) return null;
      throw error;
    }
  }
}
