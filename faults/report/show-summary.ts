import { textTable } from "../../bench/report/text-table.ts";
import type { Summary } from "./summary.ts";

const mostViolations = 20;

/** The figures of a run, for a terminal. */
export function showSummary(summary: Summary): string {
  const { faults, invariants, violations } = summary;
  return [
    "",
    textTable(
      ["fault", "inflicted", "not possible", "losses told", "violations"],
      faults
        .filter(({ inflicted, skipped }) => inflicted + skipped > 0)
        .map(({ fault, inflicted, skipped, losses, violations: found }) =>
          [fault, inflicted, skipped, losses, found].map(String),
        ),
    ),
    "",
    textTable(
      ["invariant", "violations"],
      invariants.map(({ number, text, violations: found }) => [`${number} ${text}`, String(found)]),
    ),
    "",
    ...figures(summary),
    ...violations
      .slice(0, mostViolations)
      .map(({ invariant, name, text }) => `VIOLATION of ${invariant}${name === undefined ? "" : `, ${name}`}: ${text}`),
    ...(violations.length > mostViolations ? [`... and ${violations.length - mostViolations} more`] : []),
    verdict(summary),
    `again: ${summary.command}`,
    "",
  ].join("\n");
}

function figures(summary: Summary): readonly string[] {
  const { holds, commandRuns, foreignHolds, faultCount, seconds, losses, refusedWrites, leastMarginMs } = summary;
  const lossList = Object.entries(losses).map(([reason, count]) => `${count} ${reason}`);
  return [
    `${faultCount} faults in ${seconds} s; ${holds} holds, of them ${commandRuns} commands; ${foreignHolds} foreign holds`,
    `losses told: ${lossList.length === 0 ? "none" : lossList.join(", ")}; stale writes refused by the resource: ${refusedWrites}`,
    `between the last sign of a lost or killed holder and the next one: at least ${leastMarginMs ?? "-"} ms`,
    `foreign contenders inside together with somebody (under the lease's promise only): ${summary.foreignOverlaps}`,
  ];
}

function verdict({ isVoid, violations, starved, excused }: Summary): string {
  const words = violations.length === 0 ? "Nothing was violated." : `${violations.length} VIOLATIONS.`;
  if (!isVoid) return words;
  const excuse = excused === 0 ? "" : ` ${excused} findings that rest on time are not counted.`;
  return `${words} THE RUN IS VOID: the machine was starved ${starved.times} times, for up to ${starved.longestMs} ms.${excuse}`;
}
