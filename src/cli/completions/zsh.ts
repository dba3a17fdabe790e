import { type OptionName, optionNames, optionTable } from "../option-table.ts";

/** For zsh: a file `_etcdlocker` in a folder of `$fpath`, or to be sourced. */
export function zshCompletion(): string {
  return `#compdef etcdlocker
# Completions of etcdlocker for zsh: source <(etcdlocker --completions zsh)
_etcdlocker() {
  _arguments -s -S \\
${optionNames.map((name) => `    ${describe(name)} \\`).join("\n")}
    '(-)1:command: _command_names -e' \\
    '*::arguments: _normal'
}
if [[ \${funcstack[1]} == _etcdlocker ]]; then _etcdlocker "$@"; else compdef _etcdlocker etcdlocker; fi
`;
}

/** As in \`'(-k --key)'{-k+,--key=}'[the lock]:NAME: '\`. */
function describe(name: OptionName): string {
  const { letter, value, brief, repeatable } = optionTable[name];
  const [short, long] = value === undefined ? [`-${letter}`, `--${name}`] : [`-${letter}+`, `--${name}=`];
  const flags = letter === undefined ? long : `{${short},${long}}`;
  const others = letter === undefined ? `--${name}` : `-${letter} --${name}`;
  const exclusion = repeatable === true ? "'*'" : `'(${others})'`;
  return `${exclusion}${flags}'[${escapeText(brief)}]${value === undefined ? "" : `:${value}:${complete(name)}`}'`;
}

function complete(name: OptionName): string {
  const { completion } = optionTable[name];
  if (completion === undefined) return " ";
  if (completion === "file") return "_files";
  return completion === "host" ? "_hosts" : `(${completion.join(" ")})`;
}

function escapeText(text: string): string {
  return text
    .replaceAll("`", "")
    .replaceAll(/[[\]:\\]/g, "\\$&")
    .replaceAll("'", "'\\''");
}
