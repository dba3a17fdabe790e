#!/usr/bin/env node
import { readFileSync, statSync } from "node:fs";
import { constants, hostname } from "node:os";
import { join } from "node:path";
import { isatty } from "node:tty";
import { exitCodes } from "./exit-code.ts";
import { type Host, passedOnSignals } from "./host.ts";
import { keepCompiledCode } from "./kept-code.ts";
import { main, type Outcome } from "./main.ts";
import { UnhurriedOutput } from "./unhurried-output.ts";

/** So long we wait for a slow reader of what we have said, in milliseconds. */
const exitLimitMs = 200;

const errorOutput = new UnhurriedOutput(2);
/** When all that was shown has been written. */
let shown: Promise<void> | undefined;

const host: Host = {
  name: hostname(),
  pid: process.pid,
  platform: process.platform,
  execPath: process.execPath,
  environment: process.env,
  hasTerminalInput: isatty(0),
  standardOutput: {
    isTerminal: isatty(1) && process.env.TERM !== "dumb",
    get columns(): number {
      return process.stdout.columns || 80;
    },
    get rows(): number {
      return process.stdout.rows || 24;
    },
    write: show,
    onResize: (listener) => void process.stdout.on("resize", listener),
  },
  standardError: {
    isTerminal: isatty(2) && process.env.TERM !== "dumb",
    get columns(): number {
      return process.stderr.columns || 80;
    },
    write: (text) => errorOutput.write(text),
  },
  now: () => performance.now(),
  date: () => new Date(),
  kill: (pid, signal) => void process.kill(pid, signal),
  ask: async (question) => {
    const { createInterface } = await import("node:readline");
    // The terminal does the editing, and Ctrl-C does what it always does.
    const lines = createInterface({ input: process.stdin, terminal: false });
    errorOutput.write(question);
    for await (const line of lines) return line;
    return "";
  },
  onSignal: (listener) => {
    for (const signal of passedOnSignals) process.on(signal, () => listener(signal));
  },
  onSuspend: (leave, comeBack) => {
    process.once("SIGTSTP", () => {
      leave();
      // Not heard any more, it stops us; unless no shell is there that could make us go on.
      process.kill(process.pid, "SIGTSTP");
      setImmediate(() => {
        comeBack();
        host.onSuspend(leave, comeBack);
      });
    });
  },
};

startSooner();
void main(process.argv.slice(2), host, readVersion()).then(finish);

function show(text: string): void {
  if (shown === undefined) process.stdout.on("error", giveUp);
  shown = new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve();
    });
  });
}

/** What was asked for cannot be shown. Where nobody is reading any more, there is nothing left to do or to say. */
function giveUp(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(128 + constants.signals.SIGPIPE);
  process.exitCode = exitCodes.notAcquired.code;
  errorOutput.write(`etcdlocker: standard output could not be written: ${error.message}\n`);
  errorOutput.onceIdle(() => process.exit());
}

/** What we leave open by now, of our own or the library's, does not keep us here. */
async function finish({ exitCode, output }: Outcome): Promise<void> {
  process.exitCode = exitCode;
  setTimeout(() => process.exit(), exitLimitMs).unref();
  if (output !== undefined) show(output);
  await shown;
  errorOutput.onceIdle(() => process.exit());
}

/**
 * What was compiled is run unseen: it is kept where nobody else can write, and so neither in `/tmp` nor in the home of
 * whoever called `sudo`.
 */
function startSooner(): void {
  const home = process.env.HOME;
  const isUnwanted = process.env.NODE_DISABLE_COMPILE_CACHE === "1";
  if (home === undefined || isUnwanted || ownerOf(home) !== process.getuid?.()) return;
  keepCompiledCode(import.meta.dirname, join(home, ".cache", "etcd-lock", "compiled"), process);
}

/** `undefined` when there is no such folder, or when it cannot be looked at. */
function ownerOf(folder: string): number | undefined {
  try {
    return statSync(folder).uid;
  } catch {
    return undefined;
  }
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return version;
}
