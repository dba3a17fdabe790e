import { type Action, readAction } from "./action.ts";
import { splitCommandLine } from "./command-line.ts";
import { type Shell, shells } from "./completions/shells.ts";
import type { Environment } from "./host.ts";
import { type Job, readJob } from "./job.ts";
import { Settings } from "./settings.ts";

/** What a command line asks for. */
export type Request =
  | { readonly kind: "help"; readonly isFull: boolean }
  | { readonly kind: "version" }
  | { readonly kind: "completions"; readonly shell: Shell }
  | { readonly kind: "run"; readonly job: Job }
  | { readonly kind: "act"; readonly action: Action };

/**
 * Reads the words after `etcdlocker`, and the environment where a flag is not given.
 *
 * @throws UsageError that names the option, what came and what is allowed.
 */
export function readRequest(words: readonly string[], environment: Environment, hostName: string): Request {
  const { flags, command } = splitCommandLine(words);
  if (flags.has("help")) return { kind: "help", isFull: command[0] === "all" };
  if (flags.has("version")) return { kind: "version" };
  const settings = new Settings(flags, environment);
  const shell = settings.word("completions", shells);
  if (shell !== undefined) return { kind: "completions", shell };
  const action = readAction(settings, command);
  return action === undefined ? { kind: "run", job: readJob(settings, command, hostName) } : { kind: "act", action };
}
