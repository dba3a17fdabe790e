import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ScenarioResult } from "../results.ts";
import { drawPanels, type Panel } from "./bar-chart.ts";
import { drawHistograms } from "./histogram-chart.ts";
import { card } from "./svg-card.ts";
import type { RunRecord } from "./write-json.ts";

interface BarChart {
  readonly file: string;
  readonly title: string;
  readonly subtitle: string;
  /** Scenario, figure, and what the panel is called. */
  readonly panels: readonly (readonly [scenario: string, figure: string, title: string])[];
}

const barChartPlans: readonly BarChart[] = [
  {
    file: "uncontended.svg",
    title: "Locks that nobody else wants: taken and given back, per second",
    subtitle: "One process. More is better. Locks on Redis are in memory only; those on etcd are on disk.",
    panels: [
      ["uncontended-1", "perSecond", "1 caller"],
      ["uncontended-16", "perSecond", "16 callers"],
      ["uncontended-256", "perSecond", "256 callers"],
      ["uncontended-1024", "perSecond", "1,024 callers"],
    ],
  },
  {
    file: "contended.svg",
    title: "One lock that many want: how long somebody had to wait for it at most",
    subtitle: "Milliseconds. Less is better. Each contender asks again as soon as it has given it back.",
    panels: [
      ["contended-2", "longestWaitMs", "2 contenders, a process each"],
      ["contended-16", "longestWaitMs", "16 contenders, a process each"],
      ["contended-100", "longestWaitMs", "100 contenders, a process each"],
      ["contended-one-process", "longestWaitMs", "100 contenders in one process"],
    ],
  },
  {
    file: "long-line.svg",
    title: "A long line: requests to etcd for each hand-over",
    subtitle: "Counted by etcd: requests answered and streams ended. Less is better.",
    panels: [
      ["long-line-10", "requests", "10 waiters"],
      ["long-line-100", "requests", "100 waiters"],
      ["long-line-1000", "requests", "1,000 waiters"],
    ],
  },
  {
    file: "command.svg",
    title: "The command: from its start to its end, with `true` to run",
    subtitle: "Milliseconds. Less is better.",
    panels: [["command", "ms", "One at a time"]],
  },
  {
    file: "three-members.svg",
    title: "Three members of etcd, each sync of their disks 2 ms slower: taken and given back, per second",
    subtitle: "More is better.",
    panels: [
      ["three-uncontended-1", "perSecond", "1 caller"],
      ["three-uncontended-16", "perSecond", "16 callers, a lock each"],
      ["three-uncontended-256", "perSecond", "256 callers, a lock each"],
      ["three-contended-2", "perSecond", "2 contenders for one lock, a process each"],
      ["three-contended-16", "perSecond", "16 contenders for one lock, a process each"],
    ],
  },
];

const histogramPlans = [
  {
    scenario: "hand-over",
    file: "hand-over.svg",
    title: "Hand-over: from the call of release until the next holder runs",
  },
  {
    scenario: "three-hand-over",
    file: "three-hand-over.svg",
    title: "Hand-over on three members of etcd, each sync of their disks 2 ms slower",
  },
];

/** Writes a chart of everything that was measured, in place of those that are there, and resolves to the paths. */
export async function writeCharts(folder: string, record: RunRecord): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const old = (await readdir(folder)).filter((file) => file.endsWith(".svg"));
  for (const file of old) await rm(join(folder, file));
  const find = (scenario: string): ScenarioResult | undefined => record.scenarios.find(({ id }) => id === scenario);
  const foot = footOf(record);
  const bars = barChartPlans.flatMap(({ file, title, subtitle, panels }) => {
    const found = panels.flatMap(([id, figure, panelTitle]): Panel[] => {
      const scenario = find(id);
      return scenario === undefined ? [] : [{ title: panelTitle, scenario, figure }];
    });
    const { height, drawing } = drawPanels(found);
    return found.length === 0 ? [] : [{ file, svg: card(title, subtitle, height, drawing, foot) }];
  });
  const histograms = histogramPlans.flatMap(({ scenario: id, file, title }) => {
    const scenario = find(id);
    if (scenario === undefined) return [];
    const { height, drawing } = drawHistograms(scenario);
    return [{ file, svg: card(title, "Two processes. The further to the left, the better.", height, drawing, foot) }];
  });
  return await Promise.all(
    [...bars, ...histograms].map(async ({ file, svg }) => {
      await writeFile(join(folder, file), svg);
      return join(folder, file);
    }),
  );
}

function footOf({ machine, versions, date, isQuick }: RunRecord): string {
  const when = `${date.slice(0, 10)}${isQuick ? ", a quick run: provisional" : ""}`;
  const { cores, cpu, node } = machine;
  return `etcd ${versions.etcd}, ${cores} cores of ${cpu}, Node.js ${node}; ${when}. All figures: results.json`;
}
