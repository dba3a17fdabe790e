import { linkSignals } from "../abort.ts";
import { EtcdRefusedError, EtcdUnavailableError } from "../errors.ts";
import { holdTimeMs } from "../session/deadline.ts";
import { type Session, SessionEndedError } from "../session/session.ts";
import { enterLine } from "./enter-line.ts";
import type { Admission, Application, Entry } from "./entry.ts";
import type { EntryValue } from "./entry-value.ts";
import { leaveLine, leaveLineLater } from "./leave-line.ts";
import type { LineName } from "./line-name.ts";
import { PlaceLostError, waitForTurn } from "./wait-for-turn.ts";

export interface AdmissionRequest {
  readonly line: LineName;
  readonly value: EntryValue;
  readonly signal: AbortSignal;
  /** How long etcd may be out of reach before the line has been entered, in milliseconds. */
  readonly connectTimeoutMs: number;
  takeSession(timeoutMs: number): Promise<Session>;
  /** Told when the line has been entered and somebody is ahead; again when the line had to be entered anew. */
  onWaiting(entry: Entry): void;
}

/** How long a wait that has ended tries to leave the line before it settles, in milliseconds. */
const leaveTimeoutMs = 2_000;

/**
 * Enters a line, waits for the turn, and enters anew at the end of the line when the place was lost while waiting. Once
 * in line it waits as long as it takes, with or without etcd.
 *
 * When it rejects, the line has been left; if etcd does not answer, it is left when etcd does.
 *
 * @throws EtcdUnavailableError before the line has been entered; EtcdRefusedError; the signal's reason.
 */
export async function admitToLine(request: AdmissionRequest): Promise<Admission> {
  for (let timeoutMs = request.connectTimeoutMs; ; timeoutMs = Number.POSITIVE_INFINITY) {
    const session = await request.takeSession(timeoutMs);
    const value = { ...request.value, ttl: session.ttl };
    const application = { line: request.line, session, suffix: session.takeSuffix(), value };
    try {
      return await tryToBeAdmitted(application, request, timeoutMs);
    } catch (error) {
      await giveUpPlace(application, error);
      if (!isPlaceLost(error)) throw error;
    }
  }
}

async function tryToBeAdmitted(
  application: Application,
  request: AdmissionRequest,
  timeoutMs: number,
): Promise<Admission> {
  const { session } = application;
  using linked = linkSignals(request.signal, session.signal);
  const entered = await enterLine(application, timeoutMs, linked.signal);
  if (entered.kind === "admitted") return await assureAdmission(entered.admission);
  request.onWaiting(entered.entry);
  return await assureAdmission(await waitForTurn(entered.entry, entered.view, linked.signal));
}

/** An admission is worth nothing if what proves it was sent too long ago: the lease may be renewed, the touch is not. */
async function assureAdmission(admission: Admission): Promise<Admission> {
  const { session } = admission.entry;
  const isOver = (provedAt: number): boolean => session.clock.now() >= provedAt + holdTimeMs(session.ttl);
  if (isOver(session.renewedAt)) await session.renew();
  session.signal.throwIfAborted();
  if (isOver(Math.min(session.renewedAt, admission.touchedAt))) throw new PlaceLostError("admitted too late");
  return admission;
}

async function giveUpPlace(application: Application, error: unknown): Promise<void> {
  if (error instanceof EtcdUnavailableError) leaveLineLater(application);
  else await leaveLine(application, { timeoutMs: leaveTimeoutMs }).catch(() => leaveLineLater(application));
  // Whatever else refers to a lease that etcd does not know, the session has missed its end.
  if (isLeaseUnknown(error)) {
    application.session.end("lease-ended", "etcd does not know its lease any more");
  }
}

function isPlaceLost(error: unknown): boolean {
  return error instanceof PlaceLostError || error instanceof SessionEndedError || isLeaseUnknown(error);
}

function isLeaseUnknown(error: unknown): boolean {
  return error instanceof EtcdRefusedError && error.status === "NOT_FOUND";
}
