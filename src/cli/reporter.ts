import { cutToColumns, escapeText } from "./escape.ts";
import type { TextOutput } from "./host.ts";

/** A Ctrl-C is shown as `^C`, which must not begin another line: only one is erased. */
const roomForTyping = 3;

const eraseLine = "\r\u001b[K";

/** All that etcdlocker says, on standard error; made harmless for terminals, since much of it was written by others. */
export class Reporter {
  readonly #output: TextOutput;
  readonly #isVerbose: boolean;
  readonly #now: () => number;
  #status = "";

  constructor(output: TextOutput, isVerbose: boolean, now: () => number) {
    this.#output = output;
    this.#isVerbose = isVerbose;
    this.#now = now;
  }

  /** Something is wrong: always said. */
  say(text: string): void {
    this.#print(`etcdlocker: ${text}`);
  }

  /** What happens, with the time since the start: said only with `--verbose`. */
  note(text: string): void {
    if (this.#isVerbose) this.#print(`etcdlocker +${(this.#now() / 1_000).toFixed(3)}s ${text}`);
  }

  /** Whether notes are read. */
  get isVerbose(): boolean {
    return this.#isVerbose;
  }

  /** Whether there is somebody to show a status to. */
  get hasStatusLine(): boolean {
    return this.#output.isTerminal;
  }

  /** Shows `text` on a line of its own, cut to the terminal's width, in place of the status before it. */
  showStatus(text: string): void {
    if (!this.hasStatusLine) return;
    this.#status = cutToColumns(escapeText(`etcdlocker: ${text}`), this.#output.columns - roomForTyping);
    this.#output.write(eraseLine + this.#status);
  }

  /** Leaves no trace of the status. */
  eraseStatus(): void {
    if (this.#status !== "") this.#output.write(eraseLine);
    this.#status = "";
  }

  #print(line: string): void {
    const status = this.#status;
    this.eraseStatus();
    this.#output.write(`${escapeText(line)}\n`);
    this.#status = status;
    if (status !== "") this.#output.write(status);
  }
}
