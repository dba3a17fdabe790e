import { type OptionName, optionNames, optionTable } from "../option-table.ts";

/** For fish. */
export function fishCompletion(): string {
  const withValue = optionNames.filter((name) => optionTable[name].value !== undefined);
  const flags = withValue.flatMap((name) => [`--${name}`, ...letterOf(name)]);
  return `# Completions of etcdlocker for fish: etcdlocker --completions fish | source
# The options end at the first word that is not one.
function __etcdlocker_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                printf '%s\\n' -- $words
                return 0
            case ${flags.join(" ")}
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                printf '%s\\n' $words
                return 0
        end
    end
    return 1
end
function __etcdlocker_complete_command
    set -l words (__etcdlocker_command)
    test "$words[1]" = --; and set -e words[1]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end
complete -c etcdlocker -f
complete -c etcdlocker -n 'not __etcdlocker_command > /dev/null' -a '(__fish_complete_command)'
complete -c etcdlocker -n '__etcdlocker_command > /dev/null' -a '(__etcdlocker_complete_command)'
${optionNames.map(describe).join("\n")}
`;
}

function letterOf(name: OptionName): string[] {
  const { letter } = optionTable[name];
  return letter === undefined ? [] : [`-${letter}`];
}

function describe(name: OptionName): string {
  const { letter, value, brief } = optionTable[name];
  const words = [
    "complete -c etcdlocker -n 'not __etcdlocker_command > /dev/null'",
    ...(letter === undefined ? [] : [`-s ${letter}`]),
    `-l ${name}`,
    ...(value === undefined ? [] : [complete(name)]),
    `-d '${brief.replaceAll("`", "").replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
  ];
  return words.join(" ");
}

function complete(name: OptionName): string {
  const { completion } = optionTable[name];
  if (completion === undefined) return "-x";
  if (completion === "file") return "-r -F";
  return completion === "host" ? "-x -a '(__fish_print_hostnames)'" : `-x -a '${completion.join(" ")}'`;
}
