import type { LineEntry } from "../../index.ts";
import { escapeJson } from "../escape.ts";
import type { TimedLine } from "./line-text.ts";

/** The document of `--json`, as `docs/cli.md` describes it. Numbers beyond 2^53 are strings of digits. */
export function formatJson(lines: readonly TimedLine[], indent?: number): string {
  const locks = lines.map(({ line, ttlLeft }) => ({
    name: line.name,
    entries: line.entries.map((entry) => describe(entry, ttlLeft)),
  }));
  return escapeJsonText(JSON.stringify({ locks }, undefined, indent));
}

function describe(entry: LineEntry, ttlLeft: ReadonlyMap<bigint, number>): Record<string, unknown> {
  const { position, state, id, host, pid, since, until, ttl, limit, leaseId, fencingToken, createRevision } = entry;
  const { key, foreign, metadata } = entry;
  return {
    position,
    state,
    foreign,
    id,
    host,
    pid,
    since: since?.toISOString(),
    until: until?.toISOString(),
    // `null` for no limit.
    limit: Number.isFinite(limit) ? limit : null,
    ttl,
    ttlLeft: ttlLeft.get(leaseId),
    fencingToken: fencingToken?.toString(),
    createRevision: createRevision.toString(),
    leaseId: leaseId.toString(16),
    key,
    metadata,
  };
}

/** Line ends are ours. */
function escapeJsonText(json: string): string {
  return json.split("\n").map(escapeJson).join("\n");
}
