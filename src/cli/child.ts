import { type ChildProcess, fork, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { messageOf } from "./error-message.ts";
import { joinWords } from "./escape.ts";
import type { ProcessEnd } from "./exit-code.ts";
import type { Job } from "./job.ts";

/** The command could not be started. */
export class ChildStartError extends Error {
  override readonly name = "ChildStartError";
}

/** A command that runs. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process of the command has ended; what it started may go on. */
  readonly ended: Promise<ProcessEnd>;
  /** For messages to and from a Node.js module. */
  readonly process: ChildProcess;
}

/**
 * Starts the command as it is, without a shell, with our standard streams. It leads a session of its own, unless it
 * `sharesTerminal`.
 *
 * @throws ChildStartError that says why it could not be started.
 */
export async function startChild(
  { command, args, isNodeModule }: Pick<Job, "command" | "args" | "isNodeModule">,
  environment: NodeJS.ProcessEnv,
  sharesTerminal: boolean,
): Promise<Child> {
  const options: SpawnOptions = { env: environment, detached: !sharesTerminal, stdio: "inherit" };
  const child = isNodeModule ? forkModule(command, args, options) : spawnProgram(command, args, options);
  const ended = untilEnded(child);
  const { pid } = child;
  if (pid !== undefined) return { pid, ended, process: child };
  const [error] = await once(child, "error");
  throw startError(command, error);
}

/** @throws ChildStartError when there is no such module, or it cannot be read. */
export function checkModule(path: string): void {
  try {
    const file = createRequire(resolve("index.js")).resolve(resolve(path));
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw startError(path, error);
  }
}

function spawnProgram(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(command, args, options);
  } catch (error) {
    throw startError(command, error);
  }
}

function forkModule(path: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  checkModule(path);
  try {
    return fork(path, args, { ...options, stdio: ["inherit", "inherit", "inherit", "ipc"] });
  } catch (error) {
    throw startError(path, error);
  }
}

function untilEnded(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolveEnd) => {
    child.once("exit", (code, signal) => {
      resolveEnd(signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "signalled", signal });
    });
    // Failed sends and kills are reported here too; only `exit` says that it has ended.
    child.on("error", () => undefined);
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such program, or the working directory is gone",
  MODULE_NOT_FOUND: "there is no such Node.js module",
  EACCES: "it may not be executed or read",
  ENOEXEC: "it is not a program",
  E2BIG: "its arguments and environment are too long",
  EAGAIN: "there are too many processes",
  ENOMEM: "there is not enough memory",
  EMFILE: "too many files are open",
};

function startError(command: string, cause: unknown): ChildStartError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  const reason = (code && reasons[code]) ?? messageOf(cause);
  const suffix = code === undefined ? "" : ` (${code})`;
  return new ChildStartError(`cannot start ${joinWords([command])}: ${reason}${suffix}`, { cause });
}
