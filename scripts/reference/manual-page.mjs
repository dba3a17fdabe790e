import { examples } from "../../dist/cli/examples.js";
import { exitCodes } from "../../dist/cli/exit-code.js";
import { fullText } from "../../dist/cli/help.js";
import { optionGroupNames, optionGroups, optionsOf, optionTable } from "../../dist/cli/option-table.js";

/** The manual page of `etcdlocker`, for man(1). */
export function manualPage() {
  return [
    '.TH ETCDLOCKER 1 "" "etcd-lock 2" "User Commands"',
    ".SH NAME",
    String.raw`etcdlocker \- run a command while holding a lock in etcd`,
    ".SH SYNOPSIS",
    ".B etcdlocker",
    String.raw`[\fIoptions\fR] [\fB\-\-\fR] \fIcommand\fR [\fIargument\fR .\|.\|.]`,
    ".SH DESCRIPTION",
    "Waits in line for a lock in etcd, and runs the command while holding it.",
    "The lock is given back when the command and what it started are gone.",
    "If it is lost, the command is ended before anybody else can get it.",
    ".PP",
    "The command gets its words as they are, without a shell in between.",
    String.raw`Options end at the first word that is not one, or at \fB\-\-\fR.`,
    ".PP",
    String.raw`A \fIDURATION\fR is a number of seconds, or has a unit: 500ms, 30s, 5m, 2h.`,
    ".SH OPTIONS",
    ...optionGroupNames.flatMap((group) => [`.SS ${optionGroups[group]}`, ...optionsOf(group).flatMap(describeOption)]),
    ".SH ENVIRONMENT",
    "Each option that names a variable in brackets is taken from it when the flag is not given.",
    "A variable that is empty is as good as not set; a switch is 1 or 0.",
    ".PP",
    "In the environment of the command:",
    ...tagged("ETCDLOCKER_KEY", "the name of the lock"),
    ...tagged("ETCDLOCKER_ID", "the id"),
    ...tagged("ETCDLOCKER_FENCING_TOKEN", "a number that grows from holder to holder; also as ETCD_LOCK_REV"),
    ...tagged("ETCDLOCKER_FENCING_TOKENS", "the tokens of several locks by name, in JSON"),
    ...tagged("ETCDLOCKER_LEASE", "the etcd lease of the entry, in hexadecimal"),
    ".SH EXIT STATUS",
    "That of the command, or",
    ...Object.values(exitCodes).flatMap(({ code, text }) => tagged(String(code), text)),
    ...tagged("128 + N", "etcdlocker or the command was ended by signal N"),
    ".SH EXAMPLES",
    ...examples.flatMap(({ title, line }) => [".TP", troff(title), `\\fB${troff(line)}\\fR`]),
    ".SH SEE ALSO",
    String.raw`\fBetcdctl\fR(1), \fBflock\fR(1)`,
    "",
  ].join("\n");
}

function describeOption(name) {
  const { letter, value, variable, fallback } = optionTable[name];
  const flags = [...(letter === undefined ? [] : [`-${letter}`]), `--${name}`].map((flag) => `\\fB${troff(flag)}\\fR`);
  const operand = value === undefined ? "" : ` \\fI${troff(value)}\\fR`;
  const given = [variable, fallback].filter((part) => part !== undefined).join(", ");
  const suffix = given === "" ? "" : ` [${given}]`;
  return [".TP", `${flags.join(", ")}${operand}`, troff(`${fullText(name)}${suffix}`)];
}

function tagged(tag, text) {
  return [".TP", `\\fB${troff(tag)}\\fR`, troff(text)];
}

/** Harmless for troff: no escapes, dashes that can be copied, no line that begins with a request. Code is bold. */
function troff(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replaceAll(/`([^`]*)`/g, "\\fB$1\\fR")
    .replace(/^([.'])/, "\\&$1");
}
