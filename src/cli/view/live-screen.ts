import { messageOf } from "../error-message.ts";
import { escapeText } from "../escape.ts";
import type { Host } from "../host.ts";
import { cutCell } from "./cell-width.ts";
import { formatInstant } from "./entry-text.ts";
import type { TimedLine } from "./line-text.ts";
import { type Paper, paint, paperOf } from "./paper.ts";

/** The terminal's other screen; without cursor, and without breaking lines that are too long. */
const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const leave = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const home = "\u001b[H";
const eraseRestOfLine = "\u001b[K";
const eraseBelow = "\u001b[J";

/** What is shown is drawn over what was shown before, and what was there before all that comes back in the end. */
export class LiveScreen {
  readonly #host: Host;
  readonly #format: (lines: readonly TimedLine[], paper: Paper) => string[];
  #lines: readonly TimedLine[] | undefined;
  #readAt: Date | undefined;
  #failure = "";
  #isClosed = false;

  constructor(host: Host, format: (lines: readonly TimedLine[], paper: Paper) => string[]) {
    this.#host = host;
    this.#format = format;
    host.standardOutput.write(enter);
    host.standardOutput.onResize(() => this.#draw());
    host.onSuspend(this.#leave, this.#comeBack);
  }

  /** Draws what was read just now. */
  show(lines: readonly TimedLine[]): void {
    this.#lines = lines;
    this.#readAt = this.#host.date();
    this.#failure = "";
    this.#draw();
  }

  /** Says why nothing could be read; what was read last stays. */
  showFailure(error: unknown): void {
    this.#failure = escapeText(messageOf(error));
    this.#draw();
  }

  /** Leaves the last picture on the terminal. */
  close(): void {
    this.#leave();
    this.#isClosed = true;
    if (this.#lines !== undefined) this.#host.standardOutput.write(`${this.#picture().join("\n")}\n`);
  }

  readonly #leave = (): void => {
    if (!this.#isClosed) this.#host.standardOutput.write(leave);
  };

  readonly #comeBack = (): void => {
    if (this.#isClosed) return;
    this.#host.standardOutput.write(enter);
    this.#draw();
  };

  #draw(): void {
    const { rows } = this.#host.standardOutput;
    const picture = [this.#title(), "", ...this.#picture()];
    const isTooLong = picture.length > rows;
    const shown = isTooLong ? picture.slice(0, rows - 1) : picture;
    const rest = isTooLong ? [paint(this.#paper, "dim", `… ${picture.length - shown.length} more lines`)] : [];
    // Erased first: after a line as wide as the terminal the cursor still stands on its last character.
    const text = [...shown, ...rest].map((line) => eraseRestOfLine + line).join("\n");
    this.#host.standardOutput.write(home + text + (isTooLong || picture.length === rows ? "" : `\n${eraseBelow}`));
  }

  #title(): string {
    const at = this.#readAt === undefined ? "" : ` ${formatInstant(this.#readAt, this.#host.date())}`;
    const title = `etcdlocker${at}  Ctrl-C ends`;
    if (this.#failure === "") return paint(this.#paper, "dim", title);
    return paint(this.#paper, "red", cutCell(`etcdlocker${at}  ${this.#failure}`, this.#paper.columns));
  }

  #picture(): string[] {
    return this.#lines === undefined ? ["…"] : this.#format(this.#lines, this.#paper);
  }

  get #paper(): Paper {
    return paperOf(this.#host);
  }
}
