import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEtcd } from "#dist/testing/index.js";
import { rootFolder } from "../../provision/root-folder.ts";
import { findProgram } from "../../provision/system-program.ts";
import type { CommandLine } from "../contestant.ts";
import { nowMs } from "../monotonic.ts";
import type { Figures, MissingPeer } from "../results.ts";
import type { Scenario, Setting } from "../scenario.ts";
import { oneMember, startBenchEtcd } from "../servers/bench-etcd.ts";

/** Each command is short: it is run so many times a round. */
const runsPerRound = 4;

/** From the start to the end of a command that runs `true` under a lock. */
export function command(id: string): Scenario {
  return {
    id,
    title: "`true` under a lock, as a command: from its start to its end",
    mainFigure: "ms",
    measure: async (setting) => {
      const folder = await mkdtemp(join(tmpdir(), "etcd-lock-bench-"));
      await using etcd = await startBenchEtcd(oneMember);
      try {
        const { commands, missing } = arrange(setting, etcd.endpoints.join(","), join(folder, "lock"));
        const rounds = new Map<string, Figures[]>(commands.map(([peer]) => [peer, []]));
        for (const [, commandLine] of commands) await time(commandLine);
        for (let round = 0; round < setting.options.rounds * runsPerRound; round += 1) {
          for (const [peer, commandLine] of commands) rounds.get(peer)?.push({ ms: await time(commandLine) });
        }
        return { peers: [...rounds].map(([peer, figures]) => ({ peer, rounds: figures })), missing };
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  };
}

interface Arrangement {
  readonly commands: readonly (readonly [peer: string, commandLine: CommandLine])[];
  readonly missing: readonly MissingPeer[];
}

function arrange({ peers }: Setting, endpoints: string, lockFile: string): Arrangement {
  const { etcdctl } = findEtcd();
  const flock = findProgram("flock");
  const first = join(peers.packages.folder, "node_modules/etcd-lock/cmd/etcdlocker.js");
  const locker = (program: string): CommandLine => [
    process.execPath,
    program,
    ...["-e", endpoints, "-k", "/bench/command", "--", "true"],
  ];
  const all: readonly (readonly [peer: string, commandLine: CommandLine, missing: string | undefined])[] = [
    ["etcd-lock", locker(join(rootFolder, "dist/command/bin.js")), undefined],
    ["node", [process.execPath, "-e", "0"], undefined],
    ["etcd-lock-1", locker(first), peers.whyMissing("etcd-lock-1")],
    [
      "etcdctl",
      [etcdctl ?? "", `--endpoints=${endpoints}`, "lock", "/bench/etcdctl", "true"],
      etcdctl === undefined ? "etcdctl is not installed" : undefined,
    ],
    [
      "flock",
      [flock ?? "", lockFile, "true"],
      flock === undefined ? "flock is not installed (Debian: util-linux)" : undefined,
    ],
  ];
  return {
    commands: all.flatMap(([peer, commandLine, missing]) => (missing === undefined ? [[peer, commandLine]] : [])),
    missing: all.flatMap(([peer, , missing]) => (missing === undefined ? [] : [{ peer, reason: missing }])),
  };
}

/** In milliseconds. @throws Error when the command fails. */
async function time([program, ...words]: CommandLine): Promise<number> {
  const startedAt = nowMs();
  const child = spawn(program, words, { stdio: "ignore", env: cleanEnvironment });
  const [code] = await once(child, "exit");
  const ms = nowMs() - startedAt;
  if (code !== 0) throw new Error(`exit code ${code}: ${[program, ...words].join(" ")}`);
  return ms;
}

/** Settings of whoever runs the benchmark are not meant for it. */
const cleanEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^ETCD|^npm_/.test(name)),
);
