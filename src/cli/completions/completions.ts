import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import type { Shell } from "./shells.ts";
import { zshCompletion } from "./zsh.ts";

/** A script that makes `shell` complete the options of etcdlocker, and then the command and its arguments. */
export function completionFor(shell: Shell): string {
  return { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }[shell]();
}
