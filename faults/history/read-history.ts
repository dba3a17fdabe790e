import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HistoryEvent } from "./event.ts";

export const historyEnding = ".jsonl";

/** What all processes of a run have written into `folder`, in order of time. */
export async function readHistory(folder: string): Promise<readonly HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (const file of await readdir(folder)) {
    if (file.endsWith(historyEnding)) await readInto(events, join(folder, file));
  }
  return events.sort((a, b) => a.at - b.at);
}

async function readInto(events: HistoryEvent[], path: string): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    try {
      events.push(JSON.parse(line));
    } catch {
      // Its writer was killed in the middle of it.
    }
  }
}
