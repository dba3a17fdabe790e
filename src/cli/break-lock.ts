import type { Line, LineEntry, LockManager } from "../index.ts";
import { escapeText } from "./escape.ts";
import { exitCodes } from "./exit-code.ts";
import type { Host } from "./host.ts";
import { UsageError } from "./usage-error.ts";
import { ownerOf, tokenOf } from "./view/entry-text.ts";
import { formatLine } from "./view/line-text.ts";
import { paperOf } from "./view/paper.ts";

/** Takes a lock away from one holder: the one with the token, after a yes from the terminal unless we are sure. */
export async function breakLock(
  { name, token, isSure }: { readonly name: string; readonly token: bigint | undefined; readonly isSure: boolean },
  manager: LockManager,
  host: Host,
): Promise<number> {
  if (!isSure && !(host.hasTerminalInput && host.standardError.isTerminal)) {
    throw new UsageError(
      "--break asks on a terminal, and there is none: give --yes --token N, with the token from --status",
    );
  }
  const say = (text: string): void => host.standardError.write(`etcdlocker: ${escapeText(text)}\n`);
  const fencingToken = token !== undefined && isSure ? token : await chooseHolder(name, token, manager, host, say);
  if (fencingToken === undefined) return exitCodes.notAcquired.code;
  if (await manager.breakLock(name, { fencingToken })) {
    say(`the lock was taken away; the next in line has it when its holder has stopped, or is known to be dead`);
    return 0;
  }
  say(`nothing was done: there is no holder with the token ${fencingToken} any more`);
  return exitCodes.notAcquired.code;
}

/** The token of the holder that was shown, when somebody has said yes. */
async function chooseHolder(
  name: string,
  token: bigint | undefined,
  manager: LockManager,
  host: Host,
  say: (text: string) => void,
): Promise<bigint | undefined> {
  const line = await manager.inspect(name);
  const paper = { ...paperOf(host), columns: host.standardError.columns };
  host.standardError.write(`${formatLine({ line, ttlLeft: new Map() }, paper).join("\n")}\n`);
  const holder = findHolder(line, token);
  if (typeof holder === "string") {
    say(holder);
    return undefined;
  }
  const question = `Take the lock away from ${ownerOf(holder)} (token ${tokenOf(holder)})? [y/N] `;
  const answer = await host.ask(escapeText(question));
  if (/^y(es)?$/i.test(answer.trim())) return tokenOf(holder);
  say("nothing was done");
  return undefined;
}

/** The holder that is meant, or why there is none. */
function findHolder({ entries }: Line, token: bigint | undefined): LineEntry | string {
  const holders = entries.filter(({ state }) => state === "holding");
  const chosen = token === undefined ? holders : holders.filter((entry) => tokenOf(entry) === token);
  const [first, second] = chosen;
  if (second !== undefined) return "nothing was done: several hold the lock; say which one with --token N";
  if (first !== undefined) return first;
  if (token !== undefined && holders.length > 0)
    return `nothing was done: nobody holds the lock with the token ${token}`;
  return "nothing was done: nobody holds the lock";
}
