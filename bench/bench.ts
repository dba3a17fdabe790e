// Measures etcd-lock against its peers: `npm run bench`. See bench/README.md.

import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { thingOf } from "../provision/provided.ts";
import { rootFolder } from "../provision/root-folder.ts";
import { runProgram } from "../provision/run-program.ts";
import { describeMachine, machineInWords } from "./machine.ts";
import { nowMs } from "./monotonic.ts";
import { type BenchOptions, parseOptions, usage } from "./options.ts";
import { Peers } from "./peers.ts";
import { showScenario, showTargets } from "./report/show-results.ts";
import { writeCharts } from "./report/write-charts.ts";
import { type RunRecord, writeJson } from "./report/write-json.ts";
import { Results, type ScenarioResult } from "./results.ts";
import type { Scenario, Setting } from "./scenario.ts";
import { allScenarios } from "./scenarios/all-scenarios.ts";
import { readEtcdVersion } from "./servers/bench-etcd.ts";
import { RedisServer } from "./servers/redis-server.ts";
import { judgeTargets } from "./targets.ts";

const wrongUsage = 64;

try {
  const options = parseOptions(process.argv.slice(2));
  const scenarios = choose(options);
  if (options.lists) for (const { id, title } of scenarios) console.log(`${id}: ${title}`);
  else process.exitCode = (await run(options, scenarios)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = wrongUsage;
}

function choose({ only, isQuick }: BenchOptions): readonly Scenario[] {
  const ids = allScenarios.map(({ id }) => id);
  const isMeant = (id: string): boolean => only.some((word) => (ids.includes(word) ? id === word : id.includes(word)));
  const named = allScenarios.filter(({ id }) => only.length === 0 || isMeant(id));
  if (named.length === 0) throw new TypeError(`no scenario is called ${only.join(" or ")}`);
  return isQuick && only.length === 0 ? named.filter(({ isSlow }) => isSlow !== true) : named;
}

/** Resolves with whether no two holders of one lock were ever seen at the same time. */
async function run(options: BenchOptions, scenarios: readonly Scenario[]): Promise<boolean> {
  const profiles = options.profiles === undefined ? undefined : resolve(rootFolder, options.profiles);
  if (profiles !== undefined) await rm(profiles, { recursive: true, force: true });
  const peers = await Peers.provide(profiles);
  // What was installed or compiled just now is on its way to the disk, and etcd would wait for it.
  await runProgram("sync", []);
  const redisProgram = thingOf(peers.redis);
  await using redis = redisProgram === undefined ? undefined : await RedisServer.start(redisProgram);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    console.error(`${scenario.id} ...`);
    const result = await measure(scenario, { options, peers, redisPort: redis?.port ?? 0 });
    console.log(showScenario(result));
    results.push(result);
  }
  const targets = judgeTargets(new Results(results));
  const machine = describeMachine();
  const versions = { etcd: await readEtcdVersion(), ...(await redisVersion(redisProgram)), ...peers.versions() };
  const { isQuick, rounds } = options;
  const record: RunRecord = {
    date: new Date().toISOString(),
    machine,
    versions,
    isQuick,
    rounds,
    targets,
    scenarios: results,
  };
  const folder = resolve(rootFolder, options.out);
  console.log(`\nTargets${isQuick ? " (provisional: a quick run)" : ""}\n${showTargets(targets)}`);
  console.log(`\n${machineInWords(machine)}`);
  console.log(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
  );
  console.log(`\n${await writeJson(folder, record)}\n${(await writeCharts(folder, record)).join("\n")}`);
  return reportOverlaps(results);
}

async function measure(scenario: Scenario, setting: Setting): Promise<ScenarioResult> {
  const startedAt = nowMs();
  const { peers, missing } = await scenario.measure(setting);
  const { id, title, mainFigure } = scenario;
  return { id, title, mainFigure, peers, missing, seconds: (nowMs() - startedAt) / 1_000 };
}

function reportOverlaps(results: readonly ScenarioResult[]): boolean {
  const faults = results.flatMap(({ id, peers }) =>
    peers.flatMap(({ peer, check }) => {
      const faulty = (check?.overlaps ?? 0) + (check?.tokensOutOfOrder ?? 0);
      return faulty === 0 ? [] : [`${id}: ${peer}: two holders at once, or a token that did not grow, ${faulty} times`];
    }),
  );
  for (const fault of faults) console.error(fault);
  return faults.length === 0;
}

async function redisVersion(program: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (program === undefined) return {};
  const [, version = "unknown"] = /v=(\S+)/.exec(await runProgram(program, ["--version"])) ?? [];
  return { redis: version };
}
