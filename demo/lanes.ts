import type { Sightings } from "./machine.ts";

/** One machine's line in the picture. */
export interface Lane {
  readonly name: string;
  readonly seen: Readonly<Sightings>;
}

/** How the picture is laid out. */
export interface LaneLayout {
  /** The instants of `performance.now()` at the left and the right edge. */
  readonly from: number;
  readonly to: number;
  /** Characters between the edges. */
  readonly width: number;
  readonly paint: (name: string, text: string) => string;
}

/**
 * Who waited and who ran, over time, as lines of text:
 *
 *     north  ████████ done
 *     south    ······████ lost
 */
export function drawLanes(lanes: readonly Lane[], layout: LaneLayout): string[] {
  const { from, to, width, paint } = layout;
  const column = (at: number) => Math.round(((at - from) / (to - from)) * width);
  return lanes.map(({ name, seen }) => {
    const { runningAt = to, waitingAt = runningAt, stoppedAt = to, ending = "" } = seen;
    const [waits, runs, stops] = [column(waitingAt), column(runningAt), column(stoppedAt)];
    const picture = " ".repeat(waits) + "·".repeat(runs - waits) + "█".repeat(Math.max(stops - runs, 1));
    return `  ${paint(name, `${name.padEnd(6)} ${picture} ${ending}`)}`;
  });
}

/** The axis under the lanes: a mark every five seconds. */
export function drawAxis({ from, to, width }: Omit<LaneLayout, "paint">): string {
  const seconds = (to - from) / 1_000;
  let axis = "";
  for (let second = 0; second <= seconds; second += 5) {
    axis = `${axis.padEnd(Math.round((second / seconds) * width))}${second} s`;
  }
  return " ".repeat(9) + axis;
}
