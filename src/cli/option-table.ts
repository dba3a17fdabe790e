/** The options, by the long flag without its dashes. */
export type OptionName =
  | "key"
  | "id"
  | "ttl"
  | "refresh"
  | "etcd"
  | "node"
  | "kill-after"
  | "leave-descendants"
  | "verbose"
  | "help"
  | "version";

/** What an option is about. The help, the manual and the documentation are in this order. */
export type OptionGroup = keyof typeof optionGroups;

/** One option. Parsing, variables, help, completions, manual page and the table in `docs/cli.md` all come from this. */
export interface OptionDescription {
  readonly group: OptionGroup;
  /** The letter of the short flag. */
  readonly letter?: string;
  /** What stands for the value, which is its unit too: `DURATION`. An option without it is a switch. */
  readonly value?: string;
  /**
   * The environment variable that stands in for the flag; for a switch, `1` or `0`. Empty is as good as not set, as in
   * 1.x. What says what is to be *done* has none: a forgotten variable must not keep commands from running.
   */
  readonly variable?: string;
  /** What holds when neither flag nor variable is given, in words. */
  readonly fallback?: string;
  /** May be given several times; otherwise the last one counts. */
  readonly repeatable?: true;
  /** What a shell offers for the value: these words, or files, or hosts. */
  readonly completion?: "file" | "host" | readonly string[];
  /** It has a line of its own on the first screen of the help. */
  readonly isEssential?: true;
  /** In a few words, for the help and for completions. */
  readonly brief: string;
  /** In full, for the manual, where the few words are not all. */
  readonly text?: string;
}

/** The groups of options, and their titles. */
export const optionGroups = {
  lock: "The lock",
  connection: "The connection to etcd",
  command: "The command",
  messages: "Messages and help",
} as const;

/** Every option of `etcdlocker`, by groups. */
export const optionTable: Readonly<Record<OptionName, OptionDescription>> = {
  key: {
    group: "lock",
    letter: "k",
    value: "NAME",
    variable: "ETCD_LOCK_KEY",
    fallback: "required",
    isEssential: true,
    brief: "the name of the lock",
  },
  ttl: {
    group: "lock",
    letter: "t",
    value: "DURATION",
    variable: "ETCD_LOCK_TTL",
    fallback: "60",
    isEssential: true,
    brief: "how long the lock outlives a holder that died",
    text: "how long the lock outlives a holder that died: a whole number of seconds, 1 to 1000000",
  },
  refresh: {
    group: "lock",
    letter: "r",
    value: "DURATION",
    variable: "ETCD_LOCK_REFRESH",
    fallback: "half the TTL",
    brief: "how often the lock is renewed",
  },
  id: {
    group: "lock",
    letter: "i",
    value: "TEXT",
    variable: "ETCD_LOCK_ID",
    fallback: "the host name",
    completion: "host",
    brief: "who we are, as people read it",
    text: "who we are, as people read it; it does not decide who holds the lock",
  },
  etcd: {
    group: "connection",
    letter: "e",
    value: "ADDRESS",
    variable: "ETCD_LOCK_HOST",
    fallback: "localhost:2379",
    repeatable: true,
    completion: "host",
    isEssential: true,
    brief: "where etcd is; several with commas",
    text:
      "where etcd is: `host`, `host:port`, a URL (`http://…`), IPv6 in brackets; several of them separated by commas, " +
      "or in several `-e`",
  },
  "kill-after": {
    group: "command",
    value: "DURATION",
    variable: "ETCD_LOCK_KILL_AFTER",
    fallback: "a tenth of the TTL, 5 s at most",
    brief: "the time between SIGTERM and SIGKILL",
    text: "how long the command has between SIGTERM and SIGKILL, when it must end; `0` for SIGKILL at once",
  },
  "leave-descendants": {
    group: "command",
    variable: "ETCD_LOCK_LEAVE_DESCENDANTS",
    fallback: "off",
    brief: "let what the command left running go on",
    text: "when the command has ended, leave running what it started",
  },
  node: {
    group: "command",
    letter: "n",
    variable: "ETCD_LOCK_NODE",
    fallback: "off",
    brief: "the command is a Node.js module, to be pinged",
    text:
      "the command is a Node.js module: it is forked, and pinged once per refresh period with the message `{ping: x}`, " +
      "which it must answer with `{pong: x}` within TTL seconds",
  },
  verbose: {
    group: "messages",
    letter: "v",
    variable: "ETCD_LOCK_VERBOSE",
    fallback: "off",
    brief: "say on standard error what happens, with times",
  },
  help: {
    group: "messages",
    letter: "h",
    brief: "print the help; `--help all` for every option in full",
  },
  version: { group: "messages", brief: "print the version" },
};

/** The names of all options, in the order of the table. */
export const optionNames: readonly OptionName[] = Object.keys(optionTable).filter(isOptionName);

/** The options of a group, in the order of the table. */
export function optionsOf(group: OptionGroup): readonly OptionName[] {
  return optionNames.filter((name) => optionTable[name].group === group);
}

/** The groups, in order. */
export const optionGroupNames: readonly OptionGroup[] = Object.keys(optionGroups).filter(isOptionGroup);

/** Whether `text` is the long flag of an option, without its dashes. */
export function isOptionName(text: string): text is OptionName {
  return Object.hasOwn(optionTable, text);
}

function isOptionGroup(text: string): text is OptionGroup {
  return Object.hasOwn(optionGroups, text);
}
