import { Scope, type Signal } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { EtcdRefusedError, EtcdUnavailableError } from "../errors.ts";
import { nested } from "../etcd/transaction.ts";
import { holdTimeMs } from "../session/deadline.ts";
import type { Session } from "../session/session.ts";
import { SessionEndedError } from "../session/session-ended-error.ts";
import { type Entered, enterLines } from "./enter-lines.ts";
import type { Admission, Application, Entry } from "./entry.ts";
import type { EntryValue } from "./entry-value.ts";
import { touchTransaction } from "./hold-transactions.ts";
import { leaveLines, leaveLinesLater } from "./leave-lines.ts";
import type { LineName } from "./line-name.ts";
import { type Patience, PlaceLostError, waitForTurn } from "./wait-for-turn.ts";

export interface AdmissionRequest {
  readonly clock: Clock;
  /** What to enter, all in one step; every name once. */
  readonly lines: readonly LineName[];
  readonly value: EntryValue;
  readonly patience: Patience;
  readonly signal: Signal;
  /** How long etcd may be out of reach before the lines have been entered, in milliseconds. */
  readonly connectTimeoutMs: number;
  takeSession(timeoutMs: number): Session | Promise<Session>;
  /** Told when a line has been entered and somebody is in the way; again when it had to be entered anew. */
  onWaiting(entry: Entry): void;
}

/** How long a wait that has ended tries to leave its lines before it settles, in milliseconds. */
const leaveTimeoutMs = 2_000;

/**
 * Enters lines, waits until it is our turn in all of them, and enters anew at their ends when a place was lost while
 * waiting. Once in line it waits as long as it takes, with or without etcd.
 *
 * When it rejects, the lines have been left; if etcd does not answer, they are left when etcd does.
 *
 * @throws NotAvailableError when it is not our turn and we do not wait; EtcdUnavailableError before the lines have been entered; EtcdRefusedError; the signal's reason.
 */
export async function admitToLines(request: AdmissionRequest): Promise<readonly Admission[]> {
  for (let timeoutMs = request.connectTimeoutMs; ; timeoutMs = Number.POSITIVE_INFINITY) {
    const startedAt = request.clock.now();
    const session = await request.takeSession(timeoutMs);
    const leftMs = Math.max(0, timeoutMs - (request.clock.now() - startedAt));
    const value = { ...request.value, ttl: session.ttl, recordLease: session.recordLeaseId };
    const applications = request.lines.map((line) => ({
      ...{ line, session, value },
      suffix: session.takeSuffix(line.entries.key),
    }));
    try {
      return await tryToBeAdmitted(session, applications, request, leftMs);
    } catch (error) {
      await giveUpPlaces(session, applications, error);
      if (!isPlaceLost(error)) throw error;
    }
  }
}

async function tryToBeAdmitted(
  session: Session,
  applications: readonly Application[],
  request: AdmissionRequest,
  timeoutMs: number,
): Promise<readonly Admission[]> {
  using scope = new Scope(request.signal, session.ended);
  const entered = await enterLines(session, applications, timeoutMs, scope);
  const admissions = entered.every(isAdmitted)
    ? entered.map(({ admission }) => admission)
    : await waitForTurns(entered, request, scope);
  return await assureAdmissions(session, admissions, scope);
}

function isAdmitted(outcome: Entered): outcome is Entered & { readonly kind: "admitted" } {
  return outcome.kind === "admitted";
}

/** A place that is lost in one line ends the waits in all. */
async function waitForTurns(
  entered: readonly Entered[],
  { patience, onWaiting }: AdmissionRequest,
  signal: Signal,
): Promise<readonly Admission[]> {
  using scope = new Scope(signal);
  const turns = entered.map((outcome) =>
    isAdmitted(outcome)
      ? outcome.admission
      : waitForTurn(outcome.entry, outcome.view, patience, scope, () => onWaiting(outcome.entry)),
  );
  try {
    return await Promise.all(turns);
  } catch (error) {
    scope.abort(error);
    await Promise.allSettled(turns);
    throw error;
  }
}

/**
 * An admission is worth nothing if what proves it was sent too long ago: because its answer was lost at first, or because
 * the turn came later in other lines; or before a jump of the clocks. Then lease and hold records are renewed first.
 */
async function assureAdmissions(
  session: Session,
  admissions: readonly Admission[],
  signal: Signal,
): Promise<readonly Admission[]> {
  const isStale = (provedAt: number): boolean =>
    provedAt <= session.doubtedAt || session.clock.now() >= provedAt + (holdTimeMs(session.ttl) * 2) / 3;
  let touched = admissions;
  for (;;) {
    signal.throwIfAborted();
    if (isStale(session.renewedAt)) await session.renew();
    else if (touched.some(({ touchedAt }) => isStale(touchedAt))) touched = await touchAll(session, touched, signal);
    else return touched;
  }
}

async function touchAll(
  session: Session,
  admissions: readonly Admission[],
  signal: Signal,
): Promise<readonly Admission[]> {
  const success = admissions.map((admission) => nested(touchTransaction(admission)));
  const options = { timeoutMs: Number.POSITIVE_INFINITY, tryTimeoutMs: session.tryTimeoutMs, signal };
  const { results, sentAt } = await session.client.transact({ compare: [], success, failure: [] }, options);
  const areOurs = results.every((result) => result.kind === "transaction" && result.succeeded);
  if (!areOurs) throw new PlaceLostError("an entry is not as it was left any more");
  return admissions.map((admission) => ({ ...admission, touchedAt: sentAt }));
}

async function giveUpPlaces(session: Session, applications: readonly Application[], error: unknown): Promise<void> {
  const places = applications.map((place) => ({ place }));
  const leaveLater = (): void => leaveLinesLater(session, applications);
  if (error instanceof EtcdUnavailableError) leaveLater();
  else await leaveLines(session, places, { timeoutMs: leaveTimeoutMs }).catch(leaveLater);
  // Whoever refers to a lease that etcd does not know has missed its end.
  if (isLeaseUnknown(error)) session.end("lease-ended", "etcd does not know its lease any more");
}

function isPlaceLost(error: unknown): boolean {
  return error instanceof PlaceLostError || error instanceof SessionEndedError || isLeaseUnknown(error);
}

function isLeaseUnknown(error: unknown): boolean {
  return error instanceof EtcdRefusedError && error.status === "NOT_FOUND";
}
