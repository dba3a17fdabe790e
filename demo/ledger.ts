import { readFile } from "node:fs/promises";

/** What the commands wrote into the file that they share. */
export interface LedgerFindings {
  readonly lineCount: number;
  /** Who wrote, in order; more often than once if writers took turns. */
  readonly writers: readonly string[];
  /** The fencing token of each block of lines. */
  readonly fencingTokens: readonly bigint[];
  /** No writer came back after another, and every fencing token is larger than the one before. */
  readonly isOrderly: boolean;
}

/** Reads the file as a storage system with fencing would: were there ever two writers at a time? */
export async function readLedger(path: string): Promise<LedgerFindings> {
  const lines = (await readFile(path, "utf8")).trim().split("\n");
  const blocks = lines.filter((line, index) => line !== lines[index - 1]).map((line) => line.split(" "));
  const writers = blocks.map(([writer = ""]) => writer);
  const fencingTokens = blocks.map(([, token = ""]) => BigInt(token));
  const rises = fencingTokens.every((token, index) => index === 0 || token > (fencingTokens[index - 1] ?? token));
  return {
    lineCount: lines.length,
    writers,
    fencingTokens,
    isOrderly: rises && new Set(writers).size === writers.length,
  };
}
