import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1_024 ** 3),
    system: `${readDistribution() ?? platform()}, ${platform()} ${release()}, ${arch()}`,
    node: process.version,
  };
}

/** The machine in one line. */
export function machineInWords({ cpu, cores, memoryGiB, system, node }: Machine): string {
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}; Node.js ${node}`;
}

function readDistribution(): string | undefined {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
