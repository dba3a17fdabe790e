import { cutToColumns, escapeJson, escapeText } from "./escape.ts";
import type { Host } from "./host.ts";
import type { Settings } from "./settings.ts";

/** A Ctrl-C is shown as `^C`, which must not begin another line: only one is erased. */
const roomForTyping = 3;

const eraseLine = "\r\u001b[K";

/** How messages are written. */
export interface MessageStyle {
  /** Also what happens, and not only what is wrong. */
  readonly isVerbose: boolean;
  /** One JSON object a line. */
  readonly isJson: boolean;
}

/** What messages in JSON are about. */
export interface MessageFacts {
  readonly names: readonly string[];
  readonly id: string;
}

/** @throws UsageError for a variable that is neither on nor off. */
export function readMessageStyle(settings: Settings): MessageStyle {
  return { isVerbose: settings.isOn("verbose"), isJson: settings.isOn("json-log") };
}

/** All that etcdlocker says, on standard error; made harmless for terminals, since much of it was written by others. */
export class Reporter {
  readonly #host: Host;
  readonly #style: MessageStyle;
  readonly #facts: MessageFacts;
  #status = "";

  constructor(host: Host, style: MessageStyle, facts: MessageFacts) {
    this.#host = host;
    this.#style = style;
    this.#facts = facts;
  }

  /** Something is wrong: always said. */
  say(text: string): void {
    this.#print(text, "error");
  }

  /** Nothing is wrong, but whoever looks has to know: always said. */
  tell(text: string): void {
    this.#print(text, "info");
  }

  /** What happens, with the time since the start: said only with `--verbose`. */
  note(text: string): void {
    if (this.#style.isVerbose) this.#print(text, "debug");
  }

  /** Whether there is somebody to show a status to. */
  get hasStatusLine(): boolean {
    return this.#host.standardError.isTerminal && !this.#style.isJson;
  }

  /** Shows `text` on a line of its own, cut to the terminal's width, in place of the status before it. */
  showStatus(text: string): void {
    if (!this.hasStatusLine) return;
    const { columns } = this.#host.standardError;
    this.#status = cutToColumns(escapeText(`etcdlocker: ${text}`), columns - roomForTyping);
    this.#host.standardError.write(eraseLine + this.#status);
  }

  /** Leaves no trace of the status. */
  eraseStatus(): void {
    if (this.#status !== "") this.#host.standardError.write(eraseLine);
    this.#status = "";
  }

  #print(text: string, level: "error" | "info" | "debug"): void {
    const status = this.#status;
    this.eraseStatus();
    this.#host.standardError.write(`${this.#style.isJson ? this.#toJson(text, level) : this.#toText(text, level)}\n`);
    this.#status = status;
    if (status !== "") this.#host.standardError.write(status);
  }

  #toText(text: string, level: "error" | "info" | "debug"): string {
    const since = level === "debug" ? ` +${(this.#host.now() / 1_000).toFixed(3)}s` : ":";
    return escapeText(`etcdlocker${since} ${text}`);
  }

  #toJson(message: string, level: "error" | "info" | "debug"): string {
    const time = this.#host.date().toISOString();
    const { names, id } = this.#facts;
    return escapeJson(JSON.stringify({ time, level, message, names, id, pid: this.#host.pid }));
  }
}
