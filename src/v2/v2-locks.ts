import { EventEmitter } from "node:events";
import { hostname } from "node:os";
import { posix } from "node:path";
import { Scope } from "../abort.ts";
import { resolveAcquire } from "../acquire-options.ts";
import { type Clock, systemClock } from "../clock.ts";
import { EtcdLockError } from "../errors.ts";
import type { Line } from "../line/inspect-line.ts";
import { defaultConnectTimeoutMs } from "../lock-manager-options.ts";
import { defaultTtl } from "../lock-options.ts";
import type { LockProvider, ProvidedAcquireOptions, ProvidedLock } from "../lock-provider.ts";
import { show } from "../show.ts";
import { waitTimeout } from "../wait-timeout.ts";
import { enterV2 } from "./enter-v2.ts";
import type { V2Access } from "./v2-access.ts";
import { V2Client } from "./v2-client.ts";
import { V2HeldLock } from "./v2-held-lock.ts";

/** As those of a `LockManager`. */
export interface V2Events {
  renewed: [{ readonly lock: V2HeldLock }];
  renewalFailed: [{ readonly error: Error }];
  atRisk: [{ readonly lock: V2HeldLock }];
}

/**
 * Locks on etcd's v2 API, as etcd-lock 1.x keeps them: the key of the lock has the id of its holder as its value, and a
 * TTL. The two exclude each other. There is no line: whoever comes first when the lock is free has it.
 */
export class V2Locks extends EventEmitter<V2Events> implements LockProvider {
  readonly #client: V2Client;
  readonly #clock: Clock = systemClock;
  readonly #closed = new Scope();
  readonly #locks = new Set<V2HeldLock>();
  readonly #waits = new Set<Promise<unknown>>();

  constructor(access: V2Access) {
    super();
    this.#client = new V2Client(access, this.#clock);
  }

  /** Waits for the lock. What 1.x has no place for, metadata, is not kept. @throws as `LockManager.acquire`. */
  async acquire(name: string, options: ProvidedAcquireOptions): Promise<V2HeldLock> {
    this.#closed.throwIfAborted();
    const wait = this.#acquire(name, options);
    this.#waits.add(wait);
    try {
      return await wait;
    } finally {
      this.#waits.delete(wait);
    }
  }

  async changeTtl(lock: ProvidedLock, ttl: number): Promise<void> {
    if (lock instanceof V2HeldLock) await lock.changeTtl(ttl);
  }

  /** Who holds the lock. Those who wait are not known. @throws EtcdUnavailableError, EtcdRefusedError. */
  async inspect(name: string): Promise<Line> {
    const key = v2Key(name);
    const { node } = await this.#client.read(key, { signal: this.#closed, timeoutMs: defaultConnectTimeoutMs });
    if (node === undefined) return { name, entries: [] };
    const createRevision = BigInt(node.createdIndex);
    const entry = {
      position: 1,
      state: "holding",
      key,
      foreign: false,
      leaseId: 0n,
      createRevision,
      fencingToken: createRevision,
      id: node.value,
      ...(node.ttl !== undefined && { ttl: node.ttl }),
      limit: 1,
    } as const;
    return { name, entries: [entry] };
  }

  /** Ends every wait, gives back every lock, and ends the connections. */
  async close(): Promise<void> {
    this.#closed.abort(new EtcdLockError("CLOSED", "the lock provider has been closed"));
    try {
      await Promise.allSettled(this.#waits);
      await Promise.all([...this.#locks].map((lock) => lock.release()));
    } finally {
      this.#client.close();
    }
  }

  async #acquire(name: string, options: ProvidedAcquireOptions): Promise<V2HeldLock> {
    const key = v2Key(name);
    const resolved = resolveAcquire(options, {
      id: hostname(),
      ttl: defaultTtl,
      refreshInterval: undefined,
      connectTimeoutMs: defaultConnectTimeoutMs,
    });
    const { ttl, refreshIntervalMs } = resolved;
    using limit = waitTimeout(this.#clock, resolved.timeoutMs, () => this.inspect(name));
    using scope = new Scope(this.#closed, limit?.scope, resolved.signal);
    const admission = await enterV2(
      this.#client,
      { key, id: resolved.value.id ?? "" },
      {
        ttl,
        signal: scope,
        connectTimeoutMs: resolved.connectTimeoutMs,
        onWaiting: () => {
          // No entry of ours is there to be found.
          const waiting = { name, key: "" };
          limit?.inLine(waiting);
          resolved.onWaiting?.(waiting);
        },
      },
    );
    const lock: V2HeldLock = new V2HeldLock(
      this.#client,
      this.#clock,
      admission,
      { name, ttl, refreshIntervalMs },
      {
        onRenewed: () => this.emit("renewed", { lock }),
        onAtRisk: () => this.emit("atRisk", { lock }),
        onRenewalFailed: (error) => this.emit("renewalFailed", { error }),
        onReleased: () => this.#locks.delete(lock),
      },
    );
    this.#locks.add(lock);
    return lock;
  }
}

const loneSurrogate = /\p{Surrogate}/u;

/**
 * The key as etcd's v2 API sees it: a path. `example/lock`, `/example/lock` and `/example//lock/` are one key.
 *
 * @throws RangeError for a path that can be no key.
 */
export function v2Key(name: string): string {
  const key = posix.normalize(`/${name}`).replace(/(?<=.)\/$/, "");
  if (key !== "/" && !loneSurrogate.test(name)) return key;
  throw new RangeError(`key must be a path below "/" on etcd's v2 API; got ${show(name)}`);
}
