import type { RunRecord } from "./write-json.ts";

/** Writes the charts, and resolves to their paths. */
export function writeCharts(_folder: string, _record: RunRecord): Promise<readonly string[]> {
  return Promise.resolve([]);
}
