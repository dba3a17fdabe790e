import { isDeepStrictEqual } from "node:util";
import type { Signal } from "../abort.ts";
import { Bell } from "../bell.ts";
import type { Clock } from "../clock.ts";
import type { EtcdClient, KeyEvent } from "../etcd/etcd-client.ts";
import type { LineName } from "./line-name.ts";
import { WatchSet } from "./watch-set.ts";

/** A line is read again at least so often, in milliseconds, whatever a watch tells. */
const readIntervalMs = 10_000;

/**
 * What `read` gives, now and whenever the line may have changed; what is the same as before is left out. The touches of hold
 * records are no changes. Ends when the caller stops iterating; rejects with the signal's reason.
 */
export async function* watchLine<T>(
  client: EtcdClient,
  clock: Clock,
  line: LineName,
  signal: Signal,
  read: () => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  const bell = new Bell(clock);
  const onChange = (events: readonly KeyEvent[]): void => {
    if (events.some((event) => !isTouch(line, event))) bell.ring();
  };
  const watches = new WatchSet(client, { onConfirmed: () => bell.ring(), onChange });
  try {
    watches.set([line.entries, line.records]);
    let before: { readonly value: T } | undefined;
    for (;;) {
      const value = await read();
      if (before === undefined || !isDeepStrictEqual(before.value, value)) yield value;
      before = { value };
      await bell.wait(readIntervalMs, signal);
    }
  } finally {
    watches.close();
  }
}

function isTouch(line: LineName, { kind, key, createRevision, modRevision }: KeyEvent): boolean {
  return kind === "put" && createRevision !== modRevision && line.suffixOfRecord(key) !== undefined;
}
