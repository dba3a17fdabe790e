import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";
import { loadPackage } from "./load-package.ts";
import { openRedis, type Redis } from "./open-redis.ts";

type Redlock = new (
  clients: readonly Redis[],
  options: { retryCount: number },
) => { lock(name: string, ttlMs: number): Promise<{ unlock(): Promise<unknown> }> };

const ttlMs = 60_000;

/** npm `redlock` on one Redis, with its own settings but for one: it waits as long as it takes. */
export function openRedlock({ packages, redisPort }: Job): LockPeer {
  const redis = openRedis(packages, redisPort);
  const Redlock = loadPackage<Redlock>(packages, "redlock");
  const redlock = new Redlock([redis], { retryCount: -1 });
  return {
    locker: (name) => ({
      take: async () => {
        const lock = await redlock.lock(name, ttlMs);
        return { token: 0, giveBack: () => lock.unlock() };
      },
    }),
    close: () => Promise.resolve(redis.disconnect()),
  };
}
