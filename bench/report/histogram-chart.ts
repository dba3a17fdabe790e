import { peerLabels } from "../peers.ts";
import { roundsOf, type ScenarioResult } from "../results.ts";
import { type Histogram, median } from "../statistics.ts";
import { inDigits } from "./numbers.ts";
import { cardWidth, kindOf, path, rectangle, tenth, text } from "./svg-card.ts";

const left = 230;
const right = 110;
const stripHeight = 56;
const columnsHeight = 40;
const axisHeight = 24;

/** One strip for each peer, over one logarithmic axis of milliseconds; the line is the median. */
export function drawHistograms(scenario: ScenarioResult): {
  readonly height: number;
  readonly drawing: readonly string[];
} {
  const strips = scenario.peers.flatMap((result) =>
    result.histogram === undefined
      ? []
      : [{ peer: result.peer, bins: result.histogram, medianMs: median(roundsOf(result, "p50Ms")) }],
  );
  const height = strips.length * stripHeight + axisHeight;
  const [first] = strips;
  const drawn = strips.flatMap((strip, index) => drawStrip(strip, index * stripHeight));
  return { height, drawing: first === undefined ? [] : [...drawAxis(first.bins, height), ...drawn] };
}

interface Strip {
  readonly peer: string;
  readonly bins: Histogram;
  readonly medianMs: number;
}

function drawStrip({ peer, bins, medianMs }: Strip, top: number): readonly string[] {
  const base = top + columnsHeight + 6;
  const most = Math.max(1, ...bins.counts);
  const width = (cardWidth - left - right) / bins.counts.length;
  const emphasis = kindOf(peer) === "ours" ? "strong" : "";
  const columns = bins.counts.flatMap((count, bin) => {
    const height = (count / most) * columnsHeight;
    return count === 0 ? [] : [rectangle(left + bin * width, base - height, width - 1, height, kindOf(peer))];
  });
  const x = tenth(position(bins, medianMs));
  return [
    text(left - 10, base - 12, peerLabels[peer] ?? peer, emphasis, "end"),
    ...columns,
    path(`M${left} ${base}H${cardWidth - right}M${x} ${base - columnsHeight}V${base}`, "line"),
    text(cardWidth - right + 8, base - 12, `p50 ${inDigits(medianMs)} ms`, emphasis),
  ];
}

function drawAxis(bins: Histogram, height: number): readonly string[] {
  const decades = bins.counts.length / bins.binsPerDecade;
  return Array.from({ length: decades + 1 }, (_, decade) => bins.from * 10 ** decade).flatMap((ms) => {
    const x = tenth(position(bins, ms));
    return [
      path(`M${x} 0V${height - axisHeight}`, "grid"),
      text(x, height - 6, `${inDigits(ms)} ms`, "faint", "middle"),
    ];
  });
}

function position(bins: Histogram, ms: number): number {
  const share = (Math.log10(ms / bins.from) * bins.binsPerDecade) / bins.counts.length;
  return left + Math.min(1, Math.max(0, share)) * (cardWidth - left - right);
}
