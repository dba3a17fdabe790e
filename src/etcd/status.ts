import { status } from "../grpc/status.ts";

/** What a gRPC status means for the caller: somebody else may answer better, or nobody will. */
type Meaning = "try-elsewhere" | "refused";

// By code, never by text (which differs between versions of etcd). What etcd says while it has no leader, or when it
// gave up waiting for its own consensus, is UNAVAILABLE; a connection that broke is UNAVAILABLE, INTERNAL or CANCELLED.
// What is UNIMPLEMENTED is so at an endpoint that is not etcd's: all that we ask is older than the oldest etcd we know.
const meanings: Readonly<Record<number, Meaning>> = {
  [status.CANCELLED]: "try-elsewhere",
  [status.UNKNOWN]: "try-elsewhere",
  [status.DEADLINE_EXCEEDED]: "try-elsewhere",
  [status.UNIMPLEMENTED]: "try-elsewhere",
  [status.INTERNAL]: "try-elsewhere",
  [status.UNAVAILABLE]: "try-elsewhere",
  [status.ABORTED]: "try-elsewhere",
};

export function mayAnswerElsewhere(code: number): boolean {
  return meanings[code] === "try-elsewhere";
}
