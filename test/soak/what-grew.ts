/** What a process and its etcd hold at one moment. */
export interface Sample {
  readonly minutes: number;
  /** How often a lock has been taken and given back so far. */
  readonly pairs: number;
  readonly heapMb: number;
  readonly residentMb: number;
  /** Timers, sockets and whatever else keeps the process alive. */
  readonly handles: number;
  readonly leases: number;
  readonly watchers: number;
  readonly streams: number;
}

/** By how much the middle of the last third may be above that of the second third: what is normal from moment to moment. */
const allowed = { heapMb: 5, handles: 60, leases: 2, watchers: 60, streams: 2 } as const;

/** What has grown from the second to the last third of the samples; the first third is for warming up. */
export function whatGrew(samples: readonly Sample[]): string[] {
  const third = Math.floor(samples.length / 3);
  const names = Object.keys(allowed) as (keyof typeof allowed)[];
  return names.flatMap((name) => {
    const before = middleOf(samples.slice(third, 2 * third).map((sample) => sample[name]));
    const after = middleOf(samples.slice(-third).map((sample) => sample[name]));
    return after - before > allowed[name] ? [`${name} from ${before} to ${after}`] : [];
  });
}

function middleOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
