import type { Waiting } from "./acquire-options.ts";
import type { Clock } from "./clock.ts";
import { formatDurationMs } from "./duration.ts";
import { LockTimeoutError } from "./errors.ts";
import type { Line, LineEntry } from "./line/inspect-line.ts";

/** The time limit of one wait. */
export interface WaitTimeout extends Disposable {
  /** Aborts with a {@link LockTimeoutError} when time is up. */
  readonly signal: AbortSignal;
  /** Where we stand in line, once we do. */
  waitingFor: Waiting | undefined;
}

/** How long the error may take to find out who is in the way, in milliseconds. */
const inspectTimeoutMs = 500;

/** Ends a wait after `timeoutMs`; `undefined` means never. `inspect` reads the line, to say who was in the way. */
export function waitTimeout(
  clock: Clock,
  timeoutMs: number | undefined,
  inspect: (name: string) => Promise<Line>,
): WaitTimeout {
  const controller = new AbortController();
  const end = (words: string): void =>
    controller.abort(
      new LockTimeoutError(`the lock was not to be had within ${formatDurationMs(timeoutMs ?? 0)}${words}`),
    );
  const onTimeout = (): void => {
    alarm = clock.schedule(inspectTimeoutMs, () => end(""));
    const { waitingFor } = timeout;
    if (waitingFor === undefined) end("");
    else
      inspect(waitingFor.name).then(
        (line) => end(explainWait(line, waitingFor.key)),
        () => end(""),
      );
  };
  let alarm = timeoutMs === undefined ? undefined : clock.schedule(timeoutMs, onTimeout);
  const timeout: WaitTimeout = {
    signal: controller.signal,
    waitingFor: undefined,
    [Symbol.dispose]: () => alarm?.cancel(),
  };
  return timeout;
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
