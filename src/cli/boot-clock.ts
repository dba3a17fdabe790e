import { readFileSync } from "node:fs";
import { hrtime } from "node:process";

/** A clock that all processes of this machine share, and that counts the time the machine was suspended. */
export interface BootClock {
  /**
   * `uptime`: `/proc/uptime`, which a shell can read too. `monotonic`: the high-resolution clock of Node.js, for systems
   * without it; on macOS it counts suspension.
   */
  readonly kind: "uptime" | "monotonic";
  /** Milliseconds since the machine started. */
  now(): number;
}

const uptimeFile = "/proc/uptime";

/** The boot clock of this machine. */
export function openBootClock(): BootClock {
  return canReadUptime() ? { kind: "uptime", now: readUptimeMs } : { kind: "monotonic", now: readMonotonicMs };
}

function canReadUptime(): boolean {
  try {
    return Number.isFinite(readUptimeMs());
  } catch {
    return false;
  }
}

function readUptimeMs(): number {
  return Number.parseFloat(readFileSync(uptimeFile, "latin1")) * 1_000;
}

function readMonotonicMs(): number {
  return Number(hrtime.bigint() / 1_000_000n);
}
