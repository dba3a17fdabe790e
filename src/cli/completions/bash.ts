import { type OptionName, optionNames, optionTable } from "../option-table.ts";

/** For bash. The command is completed as it would be by itself, where bash-completion is there to do that. */
export function bashCompletion(): string {
  const withValue = optionNames.filter((name) => optionTable[name].value !== undefined);
  return `# Completions of etcdlocker for bash: source <(etcdlocker --completions bash)
_etcdlocker() {
  local current=\${COMP_WORDS[COMP_CWORD]#=} flag="" at
  COMPREPLY=()
  # The options end at the first word that is not one.
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      --) ((at++)); break ;;
      ${withValue.flatMap(flagsOf).join(" | ")})
        flag=\${COMP_WORDS[at]}
        # bash takes the sign in --option=value for a word. The value may be empty.
        if [[ \${COMP_WORDS[at + 1]} == = && \${COMP_WORDS[at + 2]} != -* ]]; then ((at++)); fi
        ((++at < COMP_CWORD)) || break
        flag="" ;;
      -*) ;;
      *) break ;;
    esac
    # The same within a value, as in host:port.
    while [[ \${COMP_WORDS[at + 1]} == [=:]* ]]; do ((at += 2)); done
    ((at < COMP_CWORD)) || return
  done
  case $flag in
${withValue.map((name) => `    ${flagsOf(name).join(" | ")}) ${completeValue(name)}; return ;;`).join("\n")}
  esac
  if ((at < COMP_CWORD)) || [[ $at -eq $COMP_CWORD && \${COMP_WORDS[at - 1]} == -- ]]; then
    if declare -F _command_offset > /dev/null; then _command_offset $at
    elif declare -F _comp_command_offset > /dev/null; then _comp_command_offset $at
    else mapfile -t COMPREPLY < <(compgen -A command -- "$current"); fi
    return
  fi
  if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '${optionNames.map((name) => `--${name}`).join(" ")}' -- "$current")
  else mapfile -t COMPREPLY < <(compgen -A command -- "$current"); fi
}
complete -o bashdefault -F _etcdlocker etcdlocker
`;
}

function flagsOf(name: OptionName): string[] {
  const { letter } = optionTable[name];
  return [...(letter === undefined ? [] : [`-${letter}`]), `--${name}`];
}

function completeValue(name: OptionName): string {
  const { completion } = optionTable[name];
  if (completion === undefined) return ":";
  const action = completion === "file" ? "-f" : completion === "host" ? "-A hostname" : `-W '${completion.join(" ")}'`;
  return `mapfile -t COMPREPLY < <(compgen ${action} -- "$current")`;
}
