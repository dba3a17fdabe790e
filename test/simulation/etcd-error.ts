import { status } from "@grpc/grpc-js";

type StatusName = keyof typeof status;

/** A refusal, or a failure, as it comes out of grpc-js. */
export class EtcdError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(name: StatusName, details: string) {
    super(`${status[name]} ${name}: ${details}`);
    this.code = status[name];
    this.details = details;
  }
}
