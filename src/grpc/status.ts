import { messageOf } from "../message-of.ts";

/** How a gRPC call ends (https://grpc.io/docs/guides/status-codes/). */
export const status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const names = new Map<number, string>(Object.entries(status).map(([name, code]) => [code, name]));

/** The name of a status, for example `NOT_FOUND`. */
export function statusName(code: number): string {
  return names.get(code) ?? `status ${code}`;
}

/** A call that has failed: what the server said, or what kept it from being heard. */
export class GrpcError extends Error {
  override readonly name: string = "GrpcError";
  /** One of {@link status}, or what a server said in place of one. */
  readonly code: number;

  constructor(code: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}

/** What came could not be read, for this `error`. */
export function unreadable(error: unknown): GrpcError {
  return new GrpcError(status.INTERNAL, `the answer cannot be read: ${messageOf(error)}`, error);
}
