/** A figure over the rounds of one run. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The value below which the share `q` (0 to 1) of `values` lies; `NaN` when there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1));
  return sorted[index] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle; `NaN` when there are none. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    max: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  };
}

/** Counts of values in bins that are equally wide on a logarithmic scale. */
export interface Histogram {
  /** The lower bound of the first bin. */
  readonly from: number;
  readonly binsPerDecade: number;
  readonly counts: readonly number[];
}

const binsPerDecade = 10;

/** What is below `from` is counted in the first bin, what is above the last decade in the last one. */
export function histogram(values: readonly number[], from: number, decades: number): Histogram {
  const counts = new Array<number>(binsPerDecade * decades).fill(0);
  for (const value of values) {
    const bin = Math.floor(Math.log10(value / from) * binsPerDecade);
    const index = Math.min(counts.length - 1, Math.max(0, bin));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return { from, binsPerDecade, counts };
}
