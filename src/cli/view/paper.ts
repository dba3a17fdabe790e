import { styleText } from "node:util";
import type { Host } from "../host.ts";

/** What text is written on. */
export interface Paper {
  /** How wide a line may be; without a limit where no terminal breaks lines. */
  readonly columns: number;
  /** Whether colours are wanted. */
  readonly hasColour: boolean;
  readonly now: Date;
}

/** How words stand out. None of these vanishes on a light or on a dark background. */
export type Ink = "bold" | "green" | "red" | "dim";

/** The terminal, or the file, that standard output is. No colours with `NO_COLOR`, as https://no-color.org has it. */
export function paperOf({ standardOutput, environment, date }: Host): Paper {
  const { isTerminal, columns } = standardOutput;
  const isPlain = environment.NO_COLOR !== undefined && environment.NO_COLOR !== "";
  return {
    columns: isTerminal ? columns : Number.POSITIVE_INFINITY,
    hasColour: isTerminal && !isPlain,
    now: date(),
  };
}

/** `text` in this ink, if colours are wanted. */
export function paint(paper: Paper, ink: Ink | undefined, text: string): string {
  return ink === undefined || !paper.hasColour ? text : styleText(ink, text, { validateStream: false });
}
