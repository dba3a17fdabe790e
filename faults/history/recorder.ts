import { closeSync, openSync, writeSync } from "node:fs";
import { nowMs } from "./clock.ts";
import type { HistoryEvent } from "./event.ts";

type Undated<Event> = Event extends HistoryEvent ? Omit<Event, "at"> : never;

/** Where one process writes what it sees: a file of JSON lines, each of which is there when the call returns. */
export class Recorder {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  /** Writes what is so now, or was so at `at`. */
  write(event: Undated<HistoryEvent>, at: number = nowMs()): void {
    writeSync(this.#file, `${JSON.stringify({ at, ...event })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}
