import type { LossReason } from "../errors.ts";

/** Why a session has ended: the reason of a session's signal. */
export class SessionEndedError extends Error {
  readonly reason: LossReason;

  constructor(reason: LossReason, explanation: string) {
    super(explanation);
    this.reason = reason;
  }
}
