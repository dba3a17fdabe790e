import { peerLabels } from "../peers.ts";
import { roundsOf, type ScenarioResult } from "../results.ts";
import { type Spread, spread } from "../statistics.ts";
import { inDigits } from "./numbers.ts";
import { cardWidth, kindOf, path, rectangle, tenth, text } from "./svg-card.ts";

/** One figure of all peers in one scenario, as bars. */
export interface Panel {
  readonly title: string;
  readonly scenario: ScenarioResult;
  readonly figure: string;
}

const labelWidth = 230;
const valueWidth = 90;
const rowHeight = 22;
const barHeight = 14;
const titleHeight = 26;
const gap = 12;
/** One round that went wrong must not make all bars too short to read: longer lines are cut off. */
const longestLine = 1.5;

/** Draws panels below each other. Bars are medians; a thin line goes from the least to the most of the rounds. */
export function drawPanels(panels: readonly Panel[]): { readonly height: number; readonly drawing: readonly string[] } {
  let top = 0;
  const drawing = panels.flatMap((panel) => {
    const rows = rowsOf(panel);
    const drawn = [text(20, top + 16, panel.title, "panel"), ...drawRows(rows, top + titleHeight)];
    top += titleHeight + rows.length * rowHeight + gap;
    return drawn;
  });
  return { height: top, drawing };
}

interface Row {
  readonly peer: string;
  readonly value: Spread;
}

function rowsOf({ scenario, figure }: Panel): readonly Row[] {
  return scenario.peers.flatMap((result) => {
    const rounds = roundsOf(result, figure).filter(Number.isFinite);
    return rounds.length === 0 ? [] : [{ peer: result.peer, value: spread(rounds) }];
  });
}

function drawRows(rows: readonly Row[], top: number): readonly string[] {
  const most = Math.max(...rows.map(({ value }) => Math.min(value.max, value.median * longestLine)));
  const x = (value: number): number =>
    labelWidth + Math.min(1, value / most) * (cardWidth - labelWidth - valueWidth - 20);
  return rows.flatMap(({ peer, value }, index) => {
    const y = top + index * rowHeight;
    const middle = y + barHeight / 2;
    const emphasis = kindOf(peer) === "ours" ? "strong" : "";
    return [
      text(labelWidth - 10, y + 12, peerLabels[peer] ?? peer, emphasis, "end"),
      rectangle(labelWidth, y, x(value.median) - labelWidth, barHeight, kindOf(peer)),
      path(`M${tenth(x(value.min))} ${middle}H${tenth(x(value.max))}`, "line"),
      text(Math.max(x(value.max), x(value.median)) + 6, y + 12, inDigits(value.median), emphasis),
    ];
  });
}
