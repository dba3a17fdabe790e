import type { LockMode } from "../index.ts";
import { show } from "../show.ts";
import { type OptionName, optionTable } from "./option-table.ts";
import { type Settings, wrong } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** Which locks are wanted, and how long for. */
export interface LockRequest {
  /** One or several different names, all to be held together. */
  readonly names: readonly [string, ...string[]];
  readonly mode: LockMode;
  /** How many may hold an exclusive lock together. */
  readonly permits: number;
  /** For how long others are kept out at least, in milliseconds. */
  readonly atLeastMs: number;
  /** In milliseconds: 0 for no wait, `undefined` for one without limit. */
  readonly waitMs: number | undefined;
  /** The exit code when somebody else has the lock. */
  readonly conflictExitCode: number;
}

const longestWaitMs = 2_147_483_647;
const longestAtLeastMs = 1_000_000_000;

/** @throws UsageError that names the option, what came and what is allowed. */
export function readLockRequest(settings: Settings): LockRequest {
  const isShared = settings.isOn("shared");
  const permits = settings.wholeNumber("permits", 1, Number.MAX_SAFE_INTEGER);
  if (isShared && permits !== undefined) {
    throw new UsageError("--shared and --permits (-p) exclude each other: those who share a lock are not counted");
  }
  return {
    names: readNames(settings),
    mode: isShared ? "shared" : "exclusive",
    permits: permits ?? 1,
    atLeastMs:
      settings.durationMs(
        "at-least",
        "a duration up to 1000000 (seconds), for example 50s or 5m",
        (ms) => ms <= longestAtLeastMs,
      ) ?? 0,
    waitMs: readWait(settings),
    conflictExitCode: settings.wholeNumber("conflict-exit-code", 0, 255) ?? 1,
  };
}

/** @throws UsageError when there is none, one is empty, or one is given twice. */
export function readNames(settings: Settings): readonly [string, ...string[]] {
  const setting = settings.find("key");
  const [first, ...others] = setting?.values ?? [];
  if (setting === undefined || first === undefined) throw missing("key");
  const names: readonly [string, ...string[]] = [first, ...others];
  if (names.includes("")) throw wrong({ ...setting, text: "" }, "any text that is not empty");
  const doubled = names.find((name, index) => names.indexOf(name) !== index);
  if (doubled !== undefined) throw new UsageError(`${setting.source} is ${show(doubled)} twice`);
  return names;
}

/** A flag of either kind beats the variables of both. */
function readWait(settings: Settings): number | undefined {
  const [hasWait, hasNoWait] = [settings.hasFlag("wait"), settings.hasFlag("no-wait")];
  const waitMs = hasNoWait && !hasWait ? undefined : readLimit(settings);
  const isImpatient = hasNoWait || (!hasWait && settings.isOn("no-wait"));
  if (isImpatient && waitMs !== undefined) {
    throw new UsageError("--wait (-w) and --no-wait exclude each other, also as variables");
  }
  return isImpatient ? 0 : waitMs;
}

function readLimit(settings: Settings): number | undefined {
  const allowed = "a duration up to 24 days, for example 10 (seconds), 500ms, 30s or 5m; 0 for no wait";
  return settings.durationMs("wait", allowed, (ms) => ms <= longestWaitMs);
}

function missing(name: OptionName): UsageError {
  const { letter, value, variable } = optionTable[name];
  return new UsageError(`the ${name} is missing: give -${letter} ${value}, --${name} ${value} or ${variable}`);
}
