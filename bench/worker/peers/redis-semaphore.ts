import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";
import { loadPackage } from "./load-package.ts";
import { openRedis, type Redis } from "./open-redis.ts";

interface RedisSemaphorePackage {
  Mutex: new (
    client: Redis,
    key: string,
    options: { lockTimeout: number; acquireTimeout: number },
  ) => { acquire(): Promise<void>; release(): Promise<void> };
}

const ttlMs = 60_000;

/** `Mutex` of npm `redis-semaphore`, with its own settings but for one: it waits as long as it takes. */
export function openRedisSemaphore({ packages, redisPort }: Job): LockPeer {
  const redis = openRedis(packages, redisPort);
  const { Mutex } = loadPackage<RedisSemaphorePackage>(packages, "redis-semaphore");
  return {
    locker: (name) => {
      const options = { lockTimeout: ttlMs, acquireTimeout: Number.POSITIVE_INFINITY };
      const mutex = new Mutex(redis, name, options);
      const taken = { token: 0, giveBack: () => mutex.release() };
      return { take: () => mutex.acquire().then(() => taken) };
    },
    close: () => Promise.resolve(redis.disconnect()),
  };
}
