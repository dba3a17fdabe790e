import type { Header, KeyEvent } from "./etcd-client.ts";
import type { ResponseHeader, Event as WireEvent } from "./gen/etcd.ts";

const deleteEvent = 1;
/** The watch filter that leaves out puts. */
export const noPutFilter = 0;

const noBytes = Buffer.alloc(0);

export function encodeKey(key: string | undefined): Buffer {
  return key === undefined ? noBytes : Buffer.from(key);
}

export function decodeKey(key: Buffer): string {
  return key.toString();
}

export function decodeHeader(header: ResponseHeader | undefined): Header {
  return {
    clusterId: header?.clusterId ?? 0n,
    revision: header?.revision ?? 0n,
    raftTerm: header?.raftTerm ?? 0n,
  };
}

export function decodeEvent(event: WireEvent): KeyEvent {
  const keyValue = event.kv;
  return {
    kind: event.type === deleteEvent ? "delete" : "put",
    key: decodeKey(keyValue?.key ?? noBytes),
    modRevision: keyValue?.modRevision ?? 0n,
    createRevision: keyValue?.createRevision ?? 0n,
    leaseId: keyValue?.lease ?? 0n,
    value: keyValue?.value ?? noBytes,
  };
}
