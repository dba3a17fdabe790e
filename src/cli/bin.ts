#!/usr/bin/env node
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isatty } from "node:tty";
import { type Host, passedOnSignals } from "./host.ts";
import { keepCompiledCode } from "./kept-code.ts";
import { main, type Outcome } from "./main.ts";

/** So long we wait for a slow reader of what we have said, in milliseconds. */
const exitLimitMs = 200;

let hasSpoken = false;

const host: Host = {
  name: hostname(),
  pid: process.pid,
  platform: process.platform,
  execPath: process.execPath,
  environment: process.env,
  hasTerminalInput: isatty(0),
  standardError: {
    isTerminal: isatty(2) && process.env.TERM !== "dumb",
    get columns(): number {
      return process.stderr.columns || 80;
    },
    write: (text) => {
      // Nobody may be reading any more: that is no reason to end.
      if (!hasSpoken) process.stderr.on("error", () => undefined);
      hasSpoken = true;
      process.stderr.write(text);
    },
  },
  now: () => performance.now(),
  date: () => new Date(),
  kill: (pid, signal) => void process.kill(pid, signal),
  onSignal: (listener) => {
    for (const signal of passedOnSignals) process.on(signal, () => listener(signal));
  },
};

startSooner();
void main(process.argv.slice(2), host, readVersion()).then(finish);

/** What we leave open by now, of our own or the library's, does not keep us here. */
function finish({ exitCode, output }: Outcome): void {
  if (output !== undefined) process.stdout.write(output);
  process.exitCode = exitCode;
  const isHeard = output === undefined && (!hasSpoken || process.stderr.writableLength === 0);
  if (isHeard) process.exit();
  setTimeout(() => process.exit(), exitLimitMs).unref();
}

/**
 * What was compiled is run unseen: it is kept where nobody else can write, and so neither in `/tmp` nor in the home of
 * whoever called `sudo`.
 */
function startSooner(): void {
  const home = process.env.HOME;
  const isOurs = home !== undefined && statSync(home, { throwIfNoEntry: false })?.uid === process.getuid?.();
  const isUnwanted = process.env.NODE_DISABLE_COMPILE_CACHE === "1";
  if (isOurs && !isUnwanted)
    keepCompiledCode(import.meta.dirname, join(home, ".cache", "etcd-lock", "compiled"), process);
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return version;
}
