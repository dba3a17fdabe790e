import { splitCommandLine } from "./command-line.ts";
import type { Environment } from "./host.ts";
import { type Job, readJob } from "./job.ts";
import { Settings } from "./settings.ts";

/** What a command line asks for. */
export type Request =
  | { readonly kind: "help"; readonly isFull: boolean }
  | { readonly kind: "version" }
  | { readonly kind: "run"; readonly job: Job };

/**
 * Reads the words after `etcdlocker`, and the environment where a flag is not given.
 *
 * @throws UsageError that names the option, what came and what is allowed.
 */
export function readRequest(words: readonly string[], environment: Environment, hostName: string): Request {
  const { flags, command } = splitCommandLine(words);
  if (flags.has("help")) return { kind: "help", isFull: command[0] === "all" };
  if (flags.has("version")) return { kind: "version" };
  return { kind: "run", job: readJob(new Settings(flags, environment), command, hostName) };
}
