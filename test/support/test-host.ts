import { hostname } from "node:os";
import type { Host } from "#dist/cli/host.js";

/** This very process, for parts of the command that are tested by themselves. It hears no signals, and says nothing. */
export const testHost: Host = {
  name: hostname(),
  pid: process.pid,
  platform: process.platform,
  execPath: process.execPath,
  environment: process.env,
  hasTerminalInput: false,
  standardOutput: { isTerminal: false, columns: 80, rows: 24, write: () => undefined, onResize: () => undefined },
  standardError: { isTerminal: false, columns: 80, write: () => undefined },
  now: () => performance.now(),
  date: () => new Date(),
  kill: (pid, signal) => void process.kill(pid, signal),
  ask: async () => "",
  onSignal: () => undefined,
  onSuspend: () => undefined,
};
