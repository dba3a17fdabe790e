import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

export interface RunOptions {
  readonly folder?: string;
  /** On top of ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** It is killed after this time; by default it may take any. */
  readonly limitMs?: number;
}

/** Runs a program to its end, and resolves to its standard output. @throws Error with what it wrote when it fails. */
export async function runProgram(
  program: string,
  words: readonly string[],
  { folder, environment, limitMs }: RunOptions = {},
): Promise<string> {
  const { stdout } = await execute(program, words, {
    cwd: folder,
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1_024 * 1_024,
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  return stdout;
}

/** In one line, why a program failed. */
export function whyItFailed(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.slice(0, 3).join(" | ").slice(0, 300);
}
