import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "../machine.ts";
import type { ScenarioResult } from "../results.ts";
import { type Spread, spread } from "../statistics.ts";
import type { Outcome } from "../targets.ts";

/** Everything about one run. */
export interface RunRecord {
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** Short rounds: provisional figures. */
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly targets: readonly Outcome[];
  readonly scenarios: readonly ScenarioResult[];
}

/** Writes the record with, for each figure, median, least and most of the rounds. */
export async function writeJson(folder: string, record: RunRecord): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "results.json");
  const scenarios = record.scenarios.map((scenario) => ({
    ...scenario,
    peers: scenario.peers.map((peer) => ({ ...peer, summary: summarize(peer.rounds) })),
  }));
  await writeFile(path, `${JSON.stringify({ ...record, scenarios }, rounded, 1)}\n`);
  return path;
}

function summarize(rounds: readonly Readonly<Record<string, number>>[]): Record<string, Spread> {
  const names = [...new Set(rounds.flatMap((figures) => Object.keys(figures)))];
  return Object.fromEntries(names.map((name) => [name, spread(rounds.flatMap((figures) => figures[name] ?? []))]));
}

/** Five digits are more than any of the figures is worth. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
