import { Random } from "../support/random.ts";
import { walk } from "./walk.ts";

export interface WalksOptions {
  readonly endpoints: readonly string[];
  /** Decides what is done; who of several comes first, when they come together, is for etcd to say. */
  readonly seed: number;
  /** Of all walks together. */
  readonly steps: number;
  readonly patienceMs: number;
}

/** So many at a time: each waits now and then. */
const walks = 12;

/** Walks on different lines of one etcd, at the same time. How often each operation was carried out. @throws as {@link walk}. */
export async function walkTogether(options: WalksOptions): Promise<ReadonlyMap<string, number>> {
  const { endpoints, seed, patienceMs } = options;
  const random = new Random(seed);
  const steps = Math.ceil(options.steps / walks);
  const all = await Promise.all(
    Array.from({ length: walks }, async (_, index) => {
      try {
        return await walk({ endpoints, prefix: `/model/${index}/`, random: random.fork(), steps, patienceMs });
      } catch (error) {
        const again = `To see it again: npm run model -- --seed ${seed} --steps ${options.steps}`;
        throw new Error(`Walk ${index}, ${error instanceof Error ? error.message : error}\n${again}`, { cause: error });
      }
    }),
  );
  const counts = new Map<string, number>();
  for (const [name, times] of all.flatMap((each) => [...each])) counts.set(name, (counts.get(name) ?? 0) + times);
  return counts;
}
