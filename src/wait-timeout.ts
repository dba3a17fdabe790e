import type { Waiting } from "./acquire-options.ts";
import type { Clock } from "./clock.ts";
import { formatDurationMs } from "./duration.ts";
import { LockTimeoutError } from "./errors.ts";
import type { Line, LineEntry } from "./line/inspect-line.ts";

/** The time limit of one wait. */
export interface WaitTimeout extends Disposable {
  /** Aborts with a {@link LockTimeoutError} when time is up. */
  readonly signal: AbortSignal;
}

/** How long the error may take to find out who is in the way, in milliseconds. */
const inspectTimeoutMs = 500;

/**
 * Ends a wait after `timeoutMs`; `undefined` means never. To say who was in the way, it asks `waitingFor` where we stand,
 * and `inspect` for the line.
 */
export function waitTimeout(
  clock: Clock,
  timeoutMs: number | undefined,
  waitingFor: () => Waiting | undefined,
  inspect: (name: string) => Promise<Line>,
): WaitTimeout {
  const controller = new AbortController();
  const end = (words: string): void => {
    const limit = formatDurationMs(timeoutMs ?? 0);
    controller.abort(new LockTimeoutError(`the lock was not to be had within ${limit}${words}`));
  };
  const onTimeout = (): void => {
    const waiting = waitingFor();
    if (waiting === undefined) {
      end("");
      return;
    }
    alarm = clock.schedule(inspectTimeoutMs, () => end(""));
    inspect(waiting.name).then(
      (line) => end(explainWait(line, waiting.key)),
      () => end(""),
    );
  };
  let alarm = timeoutMs === undefined ? undefined : clock.schedule(timeoutMs, onTimeout);
  return { signal: controller.signal, [Symbol.dispose]: () => alarm?.cancel() };
}

function explainWait({ entries }: Line, ownKey: string): string {
  const ownIndex = entries.findIndex(({ key }) => key === ownKey);
  const ahead = ownIndex === -1 ? entries : entries.slice(0, ownIndex);
  const first = ahead[0];
  if (first === undefined) return "";
  return `: held by ${describe(first)}, ${ahead.length} ahead in line`;
}

function describe({ id, host, pid, key }: LineEntry): string {
  if (id === undefined) return `a foreign contender (${key})`;
  return host === undefined ? id : `${id} (${host}, pid ${pid})`;
}
