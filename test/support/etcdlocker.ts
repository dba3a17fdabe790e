import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, type ProgramOptions, startProgram } from "./programs.ts";

const compiled = fileURLToPath(new URL("../../../dist", import.meta.url));

/** The command as it is shipped; or as it was compiled, when it has not been bundled since. */
export const etcdlockerPath: string = join(compiled, isBundleFresh() ? "command" : "cli", "bin.js");

/** The path of a compiled fixture: a small program with one behaviour. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}.js`, import.meta.url));
}

/** What a program left behind that has ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `etcdlocker` with `words`. Settings of whoever runs the tests are not meant for it. */
export function startEtcdlocker(
  endpoints: readonly string[],
  words: readonly string[],
  options: ProgramOptions = {},
): Program {
  return startProgram(process.execPath, [etcdlockerPath, ...words], {
    ...options,
    environment: { ...cleanEnvironment(), ETCD_LOCK_HOST: endpoints.join(","), ...options.environment },
  });
}

/** Runs `etcdlocker` with `words`, its standard input closed, until it ends. */
export async function runEtcdlocker(
  endpoints: readonly string[],
  words: readonly string[],
  options: ProgramOptions = {},
): Promise<Finished> {
  const program = startEtcdlocker(endpoints, words, options);
  program.child.stdin?.end();
  const { code } = await program.end();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** The reason why nothing can be run in a terminal here; `false` when it can. */
export const terminalIsMissing: string | false = findTerminal();

/** Somebody with the id `web1` who has the lock, until a line comes in: {@link letGo}. */
export async function startHolder(
  endpoints: readonly string[],
  name: string,
  ...words: readonly string[]
): Promise<Program> {
  const holder = startEtcdlocker(endpoints, ["-k", name, "-i", "web1", ...words, "sh", "-c", "echo ready; read line"]);
  await holder.line(/ready/);
  return holder;
}

export async function letGo(holder: Program): Promise<void> {
  holder.child.stdin?.end("\n");
  await holder.end();
}

/**
 * Runs a shell command on a terminal of its own; what is written to the program's standard input is typed there, and
 * everything that the terminal shows is on its standard output. `$ETCDLOCKER` is the command.
 */
export function startInTerminal(endpoints: readonly string[], command: string, columns = 100): Program {
  return startProgram("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    environment: {
      ...cleanEnvironment(),
      ETCD_LOCK_HOST: endpoints.join(","),
      ETCDLOCKER: `${process.execPath} ${etcdlockerPath}`,
      COLUMNS: String(columns),
      SHELL: "/bin/sh",
      TERM: "xterm",
      // npm sets it where it has no terminal itself.
      NO_COLOR: undefined,
    },
  });
}

function cleanEnvironment(): Record<string, undefined> {
  const foreign = Object.keys(process.env).filter((name) => /^ETCD(_?LOCK|CTL_)/.test(name));
  return Object.fromEntries(foreign.map((name) => [name, undefined]));
}

function findTerminal(): string | false {
  const { stdout } = spawnSync("script", ["--version"], { encoding: "utf8" });
  return stdout?.includes("util-linux") ? false : "needs script(1) of util-linux";
}

function isBundleFresh(): boolean {
  const changedAt = (file: string): number => statSync(join(compiled, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = readdirSync(compiled, { encoding: "utf8", recursive: true }).filter(
    (file) => file.endsWith(".js") && !file.startsWith("command"),
  );
  // The file that is written last.
  const bundledAt = changedAt(join("command", "LICENSES.txt"));
  return sources.every((file) => changedAt(file) <= bundledAt);
}
