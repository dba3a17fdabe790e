import { escapeText } from "./escape.ts";
import { exitCodes } from "./exit-code.ts";
import type { Host } from "./host.ts";
import { hasLostBytes } from "./lost-bytes.ts";
import { type Request, readRequest } from "./request.ts";
import { UsageError } from "./usage-error.ts";

/** What the command line asked for, as the entry point has to do it. */
export interface Outcome {
  readonly exitCode: number;
  /** Text for standard output. */
  readonly output?: string;
}

/** The whole of `etcdlocker`, given the words after its name. */
export async function main(words: readonly string[], host: Host, version: string): Promise<Outcome> {
  let request: Request;
  try {
    if (hasLostBytes(words, host.platform)) {
      throw new UsageError("the command line is not UTF-8; the command would not get the words that were given");
    }
    request = readRequest(words, host.environment, host.name);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    host.standardError.write(`etcdlocker: ${escapeText(error.message)}\n`);
    return { exitCode: exitCodes.usage.code };
  }
  if (request.kind === "help") {
    const { formatFullHelp, formatHelp } = await import("./help.ts");
    return { exitCode: 0, output: request.isFull ? formatFullHelp() : formatHelp() };
  }
  if (request.kind === "version") return { exitCode: 0, output: `${version}\n` };
  if (request.kind === "completions") {
    const { completionFor } = await import("./completions/completions.ts");
    return { exitCode: 0, output: completionFor(request.shell) };
  }
  if (request.kind === "act") {
    const { act } = await import("./act.ts");
    return { exitCode: await act(request.action, host) };
  }
  const { runJob } = await import("./run.ts");
  return { exitCode: await runJob(request.job, host) };
}
