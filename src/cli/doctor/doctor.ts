import type { LockManager } from "../../index.ts";
import type { Connection } from "../connection.ts";
import { escapeJson, escapeText } from "../escape.ts";
import { exitCodes } from "../exit-code.ts";
import type { Host } from "../host.ts";
import { type Paper, paint, paperOf } from "../view/paper.ts";
import { wrap } from "../wrap.ts";
import { examineMember } from "./examine-member.ts";
import { examineName } from "./examine-name.ts";
import type { Finding } from "./finding.ts";

/** What the doctor looks at. */
export interface DoctorOptions {
  readonly connection: Connection;
  readonly name: string;
  readonly ttlSeconds: number;
  readonly isJson: boolean;
}

/** Looks at etcd and at the name of a lock, says what it finds, and resolves to the exit code: 1 after a failure. */
export async function doctor(options: DoctorOptions, manager: LockManager, host: Host): Promise<number> {
  const { connection, name, ttlSeconds, isJson } = options;
  const endpoints = [connection.endpoints ?? []].flat().flatMap((each) => each.split(","));
  const findings: Finding[] = [];
  for (const endpoint of endpoints)
    findings.push(...(await examineMember(endpoint, name, ttlSeconds, connection, host)));
  const isAnswered = endpoints.length === 0 || findings.some(({ topic }) => topic === "latency");
  if (isAnswered) findings.push(...(await examineName(name, ttlSeconds, manager, host)));
  const text = isJson ? escapeJson(JSON.stringify({ findings })) : formatFindings(findings, paperOf(host)).join("\n");
  host.standardOutput.write(`${text}\n`);
  return findings.some(({ level }) => level === "failure") ? exitCodes.notAcquired.code : 0;
}

const marks = {
  good: { mark: "ok  ", ink: "green" },
  warning: { mark: "look", ink: "bold" },
  failure: { mark: "FAIL", ink: "red" },
} as const;

const textColumn = 6;

function formatFindings(findings: readonly Finding[], paper: Paper): string[] {
  return findings.flatMap(({ level, message, advice }) => {
    const { mark, ink } = marks[level];
    const [first = "", ...rest] = wrap(escapeText(message), paper.columns, textColumn);
    const advised = advice === undefined ? [] : wrap(`-> ${escapeText(advice)}`, paper.columns, textColumn);
    return [`${paint(paper, ink, mark)}  ${first.trimStart()}`, ...rest, ...advised];
  });
}
