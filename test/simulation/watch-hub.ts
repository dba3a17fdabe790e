import type { Event, ResponseHeader, WatchCreateRequest, WatchRequest, WatchResponse } from "#dist/etcd/gen/etcd.js";
import type { Commit } from "./etcd-model.ts";

/** The server's end of a watch stream. */
export interface WatchStreamEnd {
  answer(response: WatchResponse): void;
  /** The member ends the stream. */
  fail(message: string): void;
}

interface Watched {
  readonly from: string;
  /** Empty for one key. */
  readonly end: string;
  readonly deletionsOnly: boolean;
}

const noPut = 0;
const deleteEvent = 1;
const progressId = -1n;

/** The watches on one member, which tell what the member has applied. */
export class WatchHub {
  readonly #header: () => ResponseHeader;
  readonly #streams = new Map<WatchStreamEnd, Map<bigint, Watched>>();

  constructor(header: () => ResponseHeader) {
    this.#header = header;
  }

  /** How many watches there are, on how many streams. */
  get count(): { readonly streams: number; readonly watches: number } {
    const watches = [...this.#streams.values()].reduce((sum, { size }) => sum + size, 0);
    return { streams: this.#streams.size, watches };
  }

  open(stream: WatchStreamEnd): void {
    this.#streams.set(stream, new Map());
  }

  close(stream: WatchStreamEnd): void {
    this.#streams.delete(stream);
  }

  receive(stream: WatchStreamEnd, { requestUnion }: WatchRequest): void {
    const watches = this.#streams.get(stream);
    if (watches === undefined || requestUnion === undefined) return;
    switch (requestUnion.$case) {
      case "createRequest":
        watches.set(requestUnion.value.watchId, watched(requestUnion.value));
        this.#send(stream, requestUnion.value.watchId, { created: true });
        return;
      case "cancelRequest":
        if (watches.delete(requestUnion.value.watchId)) {
          this.#send(stream, requestUnion.value.watchId, { canceled: true });
        }
        return;
      case "progressRequest":
        this.#send(stream, progressId, {});
    }
  }

  /** The member has applied `commit`. */
  tell({ events }: Commit): void {
    for (const [stream, watches] of this.#streams) {
      for (const [id, watch] of watches) {
        const seen = events.filter((event) => sees(watch, event));
        if (seen.length > 0) this.#send(stream, id, { events: seen });
      }
    }
  }

  /** Cancels every watch of one stream, as etcd does for reasons of its own. */
  cancelOne(pick: (count: number) => number): void {
    const [stream, watches] = [...this.#streams][pick(this.#streams.size)] ?? [];
    if (stream === undefined || watches === undefined) return;
    for (const id of watches.keys()) this.#send(stream, id, { canceled: true });
    watches.clear();
  }

  /** Ends every stream. */
  fail(message: string): void {
    for (const stream of this.#streams.keys()) stream.fail(message);
    this.#streams.clear();
  }

  #send(stream: WatchStreamEnd, watchId: bigint, what: Partial<WatchResponse>): void {
    const nothing = { created: false, canceled: false, compactRevision: 0n, cancelReason: "", events: [] };
    stream.answer({ header: this.#header(), watchId, ...nothing, ...what });
  }
}

function watched({ key, rangeEnd, filters }: WatchCreateRequest): Watched {
  return {
    from: key.toString("latin1"),
    end: rangeEnd.toString("latin1"),
    deletionsOnly: filters.includes(noPut),
  };
}

function sees({ from, end, deletionsOnly }: Watched, { type, kv }: Event): boolean {
  if (deletionsOnly && type !== deleteEvent) return false;
  const key = kv?.key.toString("latin1") ?? "";
  return end === "" ? key === from : key >= from && key < end;
}
