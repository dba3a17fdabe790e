import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";

/**
 * Whether words of our command line are not what was typed: Node.js reads them as UTF-8, and puts U+FFFD for what is
 * not. Only Linux tells; elsewhere nothing is found.
 */
export function hasLostBytes(words: readonly string[], platform: NodeJS.Platform): boolean {
  const mayHave = platform === "linux" && words.some((word) => word.includes("\ufffd"));
  return mayHave && !isUtf8(readFileSync("/proc/self/cmdline"));
}
