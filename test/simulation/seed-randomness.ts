import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Random } from "../support/random.ts";

/** Until it is disposed, what the code takes for chance comes from `random`: jitter, and the ids of leases. */
export function seedRandomness(random: Random): Disposable {
  const { random: mathRandom } = Math;
  const { randomBytes } = crypto;
  Math.random = () => random.fraction();
  const seeded = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => random.below(256)));
  Object.assign(crypto, { randomBytes: seeded });
  syncBuiltinESMExports();
  return {
    [Symbol.dispose]: () => {
      Math.random = mathRandom;
      Object.assign(crypto, { randomBytes });
      syncBuiltinESMExports();
    },
  };
}
