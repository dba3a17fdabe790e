import type { LockManager } from "../index.ts";
import { escapeText } from "./escape.ts";
import { exitCodes } from "./exit-code.ts";
import type { Host } from "./host.ts";

/** Whether a lock is still held with a fencing token: the exit code says it, and a line on standard error when it is not. */
export async function verify(
  { name, token }: { readonly name: string; readonly token: bigint },
  manager: LockManager,
  host: Host,
): Promise<number> {
  const { entries } = await manager.inspect(name);
  if (entries.some(({ state, fencingToken }) => state === "holding" && fencingToken === token)) return 0;
  host.standardError.write(`etcdlocker: ${escapeText(name)} is not held with the fencing token ${token} any more\n`);
  return exitCodes.lost.code;
}
