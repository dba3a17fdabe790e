import { formatDurationMs } from "../../duration.ts";
import { EtcdRefusedError } from "../../index.ts";
import { type Connection, openLockManager } from "../connection.ts";
import { messageOf } from "../error-message.ts";
import type { Host } from "../host.ts";
import { accessAdvice } from "./access-advice.ts";
import { askVersion } from "./ask-version.ts";
import { type Finding, failure, good, warning } from "./finding.ts";

const connectTimeoutMs = 3_000;
const samples = 5;

/** What is needed of a member, and what else it says: whether it answers, how soon, its version, its clock. */
export async function examineMember(
  endpoint: string,
  name: string,
  ttlSeconds: number,
  connection: Connection,
  host: Host,
): Promise<readonly Finding[]> {
  const latency = await examineLatency(endpoint, name, ttlSeconds, connection, host);
  if (latency.topic === "endpoint") return [latency];
  return [latency, ...(await examineVersion(endpoint, connection, host))];
}

async function examineLatency(
  endpoint: string,
  name: string,
  ttlSeconds: number,
  connection: Connection,
  host: Host,
): Promise<Finding> {
  const { discoverySrv, ...direct } = connection;
  await using manager = await openLockManager(
    { ...direct, endpoints: [endpoint] },
    { connectTimeout: connectTimeoutMs },
  );
  try {
    // The first one makes the connection.
    await manager.inspect(name);
    const times: number[] = [];
    for (let sample = 0; sample < samples; sample += 1) {
      const startedAt = host.now();
      await manager.inspect(name);
      times.push(host.now() - startedAt);
    }
    const slowest = Math.max(...times);
    const text = `${endpoint} answers within ${formatDurationMs(slowest)}`;
    // A renewal is two calls, and has to have time for tries on other members.
    if (slowest < ttlSeconds * 50) return good("latency", text);
    return warning(
      "latency",
      text,
      `that is slow for a TTL of ${ttlSeconds} s: take a longer one, or look at etcd's disk`,
    );
  } catch (error) {
    const text = `${endpoint}: ${messageOf(error)}`;
    if (error instanceof EtcdRefusedError) return failure("permissions", text, accessAdvice(name, error));
    return failure("endpoint", text, "is etcd there, and is it the port for clients?");
  }
}

async function examineVersion(endpoint: string, { tls }: Connection, host: Host): Promise<readonly Finding[]> {
  try {
    const { version, date } = await askVersion(endpoint, tls);
    return [judgeVersion(endpoint, version), ...(date === undefined ? [] : [judgeClock(endpoint, date, host.date())])];
  } catch (error) {
    return [warning("version", `${endpoint} does not tell its version: ${messageOf(error)}`, "locks work without it")];
  }
}

function judgeVersion(endpoint: string, version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const text = `${endpoint} is etcd ${version}`;
  if (major > 3 || (major === 3 && minor >= 4)) return good("version", text);
  return failure("version", text, "etcd 3.4 or newer is needed");
}

/** Locks don't need it: only the times that are shown, and jobs that cron starts. */
function judgeClock(endpoint: string, theirs: Date, ours: Date): Finding {
  // Theirs is cut off to the second.
  const apartMs = Math.max(0, Math.abs(ours.getTime() - theirs.getTime() - 500) - 500);
  if (apartMs < 2_000) return good("clock", `the clocks of this machine and ${endpoint} agree`);
  return warning(
    "clock",
    `the clocks of this machine and ${endpoint} are ${formatDurationMs(apartMs)} apart`,
    "locks are safe all the same; for cron, give --at-least a longer time than that",
  );
}
