const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;

/**
 * Milliseconds meant by `text`: `500ms`, `30s`, `5m`, `2h`, or a plain number of seconds. Fractions are allowed.
 * `undefined` when it is none of these.
 */
export function parseDurationMs(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? "s") as keyof typeof unitMs;
  const ms = Number(match[1]) * unitMs[unit];
  return Number.isFinite(ms) ? ms : undefined;
}

/** `ms` for people: `250 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. Two units at most, rounded down. */
export function formatDurationMs(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (ms < 1_000) return `${Math.floor(ms)} ms`;
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10} s`;
  if (ms < 3_600_000) return twoUnits(Math.floor(seconds / 60), "min", seconds % 60, "s");
  if (ms < 86_400_000) return twoUnits(Math.floor(seconds / 3_600), "h", Math.floor((seconds % 3_600) / 60), "min");
  return twoUnits(Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3_600), "h");
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
