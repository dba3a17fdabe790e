import { sleep } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { V2Change, V2Client } from "./v2-client.ts";
import { entryGone, entryTaken, type V2Entry, type V2Loss } from "./v2-entry.ts";

export interface V2WatchListener {
  /** The entry is not ours any more. */
  onLost(loss: V2Loss): void;
  /** Changes were missed, or one was seen that may not be ours: a renewal will tell. Resolves after it was tried. */
  onDoubt(): Promise<void>;
}

/** How long one request waits for a change, in milliseconds, so that a connection that broke unseen is given up. */
const patienceMs = 5_000;
const headerTimeoutMs = 1_000;
const failurePauseMs = 250;

const expired: V2Loss = { reason: "lease-ended", explanation: "its TTL has run out in etcd" };

/** Watches an entry that is ours, until `over`. A change is a hint: what proves anything is the next renewal. */
export async function watchV2(
  client: V2Client,
  clock: Clock,
  entry: V2Entry,
  over: AbortSignal,
  listener: V2WatchListener,
): Promise<void> {
  let seenIndex = 0;
  while (!over.aborted) {
    const fromIndex = Math.max(entry.modifiedIndex, seenIndex) + 1;
    try {
      const seen = await client.nextChange(entry.name.key, fromIndex, patienceMs, {
        signal: over,
        timeoutMs: headerTimeoutMs,
      });
      if (seen === "forgotten") await listener.onDoubt();
      if (typeof seen === "string") continue;
      seenIndex = seen.index;
      const loss = lossOf(seen, entry);
      if (loss !== undefined) listener.onLost(loss);
      else if (seen.index > entry.modifiedIndex && !entry.isUnsettled) await listener.onDoubt();
    } catch {
      // Without a watch, renewals tell the same, only later.
      await sleep(clock, failurePauseMs, over).catch(() => {});
    }
  }
}

function lossOf({ action, node }: V2Change, entry: V2Entry): V2Loss | undefined {
  if (entry.isOurs(node)) return undefined;
  if (action === "expire") return expired;
  return node === undefined ? entryGone : entryTaken;
}
