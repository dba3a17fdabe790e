import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** What happens to a machine, as the reader sees it. */
export type Happening = "waits" | "RUNS" | "done" | "killed" | "lost";

const machineStyles: readonly Style[] = ["cyan", "yellow", "magenta", "green"];
const happeningStyles: Readonly<Record<Happening, Style>> = {
  waits: "dim",
  RUNS: "bold",
  done: "bold",
  killed: "red",
  lost: "red",
};

/** Where the text of an event begins. */
const eventIndent = 26;

/** Tells people, on standard output, what happens, with the time since it was made. */
export class Narrator {
  readonly #startedAt: number = performance.now();
  readonly #machines: readonly string[];
  readonly #output: NodeJS.WriteStream;

  constructor(machines: readonly string[], output: NodeJS.WriteStream = process.stdout) {
    this.#machines = machines;
    this.#output = output;
  }

  /** When the story began: `performance.now()`. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** Columns of the terminal, or 80; no more than can be read well. */
  get columns(): number {
    return Math.min(this.#output.columns ?? 80, 100);
  }

  /** Plain text, or an empty line. */
  say(text = ""): void {
    this.#output.write(`${text}\n`);
  }

  /** A title, or the beginning of a scene. */
  announce(text: string): void {
    this.say();
    this.say(this.style("bold", text));
  }

  /** Text of any length, in lines that fit. */
  explain(text: string): void {
    this.say();
    for (const line of wrap(text, this.columns)) this.say(line);
  }

  /** One event, in one line. */
  tell(machine: string, happening: Happening, text: string, at: number = performance.now()): void {
    const time = `${((at - this.#startedAt) / 1_000).toFixed(2).padStart(6)} s`;
    const name = this.paint(machine, machine.padEnd(6));
    const state = this.style(happeningStyles[happening], happening.padEnd(7));
    this.say(`${this.style("dim", time)}  ${name}  ${state} ${text}`);
  }

  /** More about the event just told. */
  remark(text: string): void {
    for (const line of wrap(text, this.columns - eventIndent))
      this.say(this.style("dim", " ".repeat(eventIndent) + line));
  }

  /** `text` in the colour of a machine. */
  paint(machine: string, text: string): string {
    return this.style(machineStyles[this.#machines.indexOf(machine) % machineStyles.length] ?? "reset", text);
  }

  /** `text` in a style, on a terminal that wants colours; NO_COLOR is heeded. */
  style(style: Style, text: string): string {
    return this.#output.isTTY && this.#output.hasColors() ? styleText(style, text) : text;
  }
}

/** `text` in lines of at most `columns` characters, broken between words. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
