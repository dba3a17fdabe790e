import { show } from "../show.ts";
import { type Connection, readConnection } from "./connection.ts";
import { readTtl } from "./job.ts";
import { readNames } from "./lock-request.ts";
import type { OptionName } from "./option-table.ts";
import { type Settings, wrong } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** What is to be seen: the lines of these names, or of all names with a prefix. */
export type Subject =
  | { readonly kind: "names"; readonly names: readonly string[] }
  | { readonly kind: "prefix"; readonly prefix: string };

/** What is to be done in place of running a command. */
export type Action = { readonly connection: Connection } & (
  | { readonly kind: "view"; readonly subject: Subject; readonly isLive: boolean; readonly isJson: boolean }
  | { readonly kind: "doctor"; readonly name: string; readonly ttlSeconds: number; readonly isJson: boolean }
  | { readonly kind: "verify"; readonly name: string; readonly token: bigint }
  | {
      readonly kind: "break";
      readonly name: string;
      readonly token: bigint | undefined;
      /** Nobody is asked. */
      readonly isSure: boolean;
    }
);

const actionNames = ["status", "list", "verify", "break", "doctor"] as const;

/** Options that say more about an action, and those that they go with. */
const companions: readonly (readonly [OptionName, readonly OptionName[]])[] = [
  ["watch", ["status", "list"]],
  ["json", ["status", "list", "doctor"]],
  ["token", ["break"]],
  ["yes", ["break"]],
];

/**
 * The action that was asked for, if any.
 *
 * @throws UsageError when there are several, or a command as well, or what they need is missing.
 */
export function readAction(settings: Settings, command: readonly string[]): Action | undefined {
  const given = actionNames.filter((name) => settings.hasFlag(name));
  const [first, second] = given;
  // What is watched is a line, unless something else is said.
  const action = first ?? (settings.hasFlag("watch") ? "status" : undefined);
  if (second !== undefined) throw new UsageError(`--${first} and --${second} exclude each other`);
  checkCompanions(settings, action);
  if (action === undefined) return undefined;
  if (command.length > 0) throw new UsageError(`--${action} takes no command; got ${show(command[0])}`);
  const connection = readConnection(settings);
  if (action === "status" || action === "list") {
    const isLive = settings.hasFlag("watch");
    return {
      kind: "view",
      connection,
      subject: readSubject(settings, action),
      isLive,
      isJson: settings.hasFlag("json"),
    };
  }
  const name = readName(settings, action);
  if (action === "doctor") {
    return { kind: "doctor", connection, name, ttlSeconds: readTtl(settings), isJson: settings.hasFlag("json") };
  }
  if (action === "verify") return { kind: "verify", connection, name, token: readToken(settings, "verify") };
  return { kind: "break", connection, name, ...readConsent(settings) };
}

function checkCompanions(settings: Settings, action: OptionName | undefined): void {
  for (const [name, hosts] of companions) {
    if (!settings.hasFlag(name) || (action !== undefined && hosts.includes(action))) continue;
    throw new UsageError(`--${name} goes with ${hosts.map((host) => `--${host}`).join(", ")} only`);
  }
}

function readSubject(settings: Settings, action: "status" | "list"): Subject {
  if (action === "status") return { kind: "names", names: readNames(settings) };
  return { kind: "prefix", prefix: settings.find("list")?.text ?? "" };
}

function readName(settings: Settings, action: OptionName): string {
  const [name, ...others] = readNames(settings);
  if (others.length === 0) return name;
  throw new UsageError(`--${action} is about one lock; got ${others.length + 1} of --key (-k)`);
}

function readConsent(settings: Settings): { token: bigint | undefined; isSure: boolean } {
  const isSure = settings.hasFlag("yes");
  if (settings.hasFlag("token")) return { token: readToken(settings, "token"), isSure };
  if (isSure)
    throw new UsageError("--yes needs --token N: the fencing token of exactly the holder that --status showed");
  return { token: undefined, isSure };
}

function readToken(settings: Settings, name: "verify" | "token"): bigint {
  const setting = settings.find(name);
  if (setting !== undefined && /^[1-9]\d{0,18}$/.test(setting.text)) return BigInt(setting.text);
  throw wrong(
    setting ?? { source: `--${name}`, values: [], text: "" },
    "a fencing token, which is a whole number above 0",
  );
}
