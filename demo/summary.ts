import { drawAxis, drawLanes } from "./lanes.ts";
import type { LedgerFindings } from "./ledger.ts";
import type { Machine } from "./machine.ts";
import type { Narrator } from "./narrator.ts";

/** One measured change of holders. */
export interface TakeOver {
  /** What ended the hold before. */
  readonly cause: string;
  readonly successor: string;
  /** From the cause to the first sign of the next command. */
  readonly ms: number;
}

/** Columns beside the picture: for names on the left, and for how it ended on the right. */
const roomForWords = 16;

/** What was seen in the end. */
export interface Outcome {
  readonly machines: readonly Machine[];
  readonly takeOvers: readonly TakeOver[];
  readonly ledger: LedgerFindings;
  /** Keys of the lock that are still in etcd. */
  readonly keysLeft: readonly string[];
}

/** Tells what was seen, and throws when that is not what etcd-lock promises. */
export function summarize(narrator: Narrator, { machines, takeOvers, ledger, keysLeft }: Outcome): void {
  narrator.announce("Who waited (···) and who ran (███)");
  narrator.say();
  const to = performance.now();
  const layout = { from: narrator.startedAt, to, width: narrator.columns - roomForWords };
  const lanes = drawLanes(machines, { ...layout, paint: (name, text) => narrator.paint(name, text) });
  for (const line of [...lanes, drawAxis(layout)]) narrator.say(line);

  narrator.announce("How long until the next command ran");
  narrator.say();
  for (const { cause, successor, ms } of takeOvers) {
    const pause = formatPause(ms).padStart(7);
    narrator.say(`  ${`after ${cause}:`.padEnd(28)} ${narrator.style("bold", pause)}  until ${successor} ran`);
  }

  narrator.announce("Never two at once");
  const blocks = `${ledger.writers.length} unbroken blocks (${ledger.writers.join(", ")})`;
  const left = keysLeft.length === 0 ? "nothing" : keysLeft.join(", ");
  narrator.explain(
    `Each command wrote five lines a second into one file. Its ${ledger.lineCount} lines are in ${blocks}, with ` +
      `fencing tokens ${ledger.fencingTokens.join(" < ")}. Left of the lock in etcd: ${left}.`,
  );
  narrator.say();
  if (!ledger.isOrderly) throw new Error("The blocks overlap: two commands ran at the same time");
}

/** A pause for people: `23 ms`, `4.71 s`. */
export function formatPause(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
