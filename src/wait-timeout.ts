import { Scope } from "./abort.ts";
import type { Waiting } from "./acquire-options.ts";
import type { Alarm, Clock } from "./clock.ts";
import { formatDurationMs } from "./duration.ts";
import { EtcdRefusedError, EtcdUnavailableError, LockTimeoutError } from "./errors.ts";
import type { Line, LineEntry } from "./line/inspect-line.ts";

/** The time limit of one wait. */
export interface WaitTimeout extends Disposable {
  /** Aborts with a {@link LockTimeoutError} when time is up. */
  readonly scope: Scope;
  /** We have to wait, perhaps anew: from now on the limit counts. A lock that is free is never too late. */
  inLine(waiting: Waiting): void;
}

/** How long the error may take to find out who is in the way, in milliseconds. */
const inspectTimeoutMs = 500;

/**
 * Ends a wait `timeoutMs` from now; `undefined` means never, and needs no timeout. To say who was in the way, it looks at the line with
 * `inspect`.
 */
export function waitTimeout(
  clock: Clock,
  timeoutMs: number | undefined,
  inspect: (name: string) => Promise<Line>,
): WaitTimeout | undefined {
  if (timeoutMs === undefined) return undefined;
  const endsAt = clock.now() + timeoutMs;
  const scope = new Scope();
  let place: Waiting | undefined;
  let alarm: Alarm | undefined;
  const end = (words: string, options?: ErrorOptions): void => {
    const limit = formatDurationMs(timeoutMs);
    const lock = place === undefined ? "the lock" : `lock ${JSON.stringify(place.name)}`;
    scope.abort(new LockTimeoutError(`${lock} was not to be had within ${limit}${words}`, options));
  };
  // Then nobody need have the lock: who looks at the cause can tell.
  const endInDoubt = (cause: unknown): void =>
    end(`: ${cause instanceof EtcdRefusedError ? cause.message : "etcd does not answer"}`, { cause });
  const onTimeout = (): void => {
    alarm = clock.schedule(inspectTimeoutMs, () => endInDoubt(lateAnswer()));
    inspect(place?.name ?? "").then((line) => end(explainWait(line, place?.key)), endInDoubt);
  };
  return {
    scope,
    inLine: (waiting) => {
      place = waiting;
      alarm ??= clock.schedule(endsAt - clock.now(), onTimeout);
    },
    [Symbol.dispose]: () => alarm?.cancel(),
  };
}

function lateAnswer(): EtcdUnavailableError {
  return new EtcdUnavailableError(`etcd has not answered within ${inspectTimeoutMs} ms`, []);
}

function explainWait({ entries }: Line, ownKey: string | undefined): string {
  const ownIndex = entries.findIndex(({ key }) => key === ownKey);
  const ahead = ownIndex === -1 ? entries : entries.slice(0, ownIndex);
  const first = ahead[0];
  if (first === undefined) return "";
  return `: held by ${describe(first)}, ${ahead.length} ahead in line`;
}

function describe({ id, host, pid, key }: LineEntry): string {
  if (id === undefined) return `a foreign contender (${key})`;
  if (host === undefined) return id;
  return host === id ? `${id} (pid ${pid})` : `${id} (${host}, pid ${pid})`;
}
