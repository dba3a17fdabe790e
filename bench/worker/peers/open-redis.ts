import { loadPackage } from "./load-package.ts";

/** A connection to Redis by `ioredis`. */
export interface Redis {
  disconnect(): void;
}

interface IoredisPackage {
  Redis: new (options: { host: string; port: number }) => Redis;
}

/** Connects to the Redis of this benchmark. */
export function openRedis(packages: string, port: number): Redis {
  const { Redis } = loadPackage<IoredisPackage>(packages, "ioredis");
  return new Redis({ host: "127.0.0.1", port });
}
