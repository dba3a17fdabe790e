import type { TurnContext } from "./turn.ts";
import type { WorkerOrder } from "./worker-job.ts";

/** Has many wait in one line, as one manager can, and give up after a while; who is served gives back at once. */
export async function crowd(
  { who, taker, recorder }: TurnContext,
  nextAttempt: () => string,
  { name, count, ms }: Extract<WorkerOrder, { kind: "crowd" }>,
): Promise<void> {
  const signal = AbortSignal.timeout(ms);
  const wait = async (): Promise<void> => {
    const attempt = nextAttempt();
    recorder.write({ kind: "requested", who, attempt, names: [name], family: "own" });
    try {
      const onWaiting = (line: string, key: string): void =>
        recorder.write({ kind: "waiting", attempt, name: line, key });
      const wish = { names: [name], mode: "exclusive", permits: 1, isClassic: false, isImpatient: false } as const;
      const locks = await taker.take({ ...wish, signal, onWaiting });
      await Promise.all((locks ?? []).map((lock) => lock.release()));
      recorder.write({ kind: "ended", attempt, reason: "done" });
    } catch (error) {
      recorder.write({ kind: "ended", attempt, reason: String(error).slice(0, 200) });
    }
  };
  await Promise.all(Array.from({ length: count }, wait));
}
