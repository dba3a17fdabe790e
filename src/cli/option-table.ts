import { shells } from "./completions/shells.ts";

/** The options, by the long flag without its dashes. */
export type OptionName =
  | "key"
  | "ttl"
  | "refresh"
  | "id"
  | "shared"
  | "permits"
  | "at-least"
  | "etcd"
  | "endpoints"
  | "discovery-srv"
  | "api"
  | "cacert"
  | "cert"
  | "cert-key"
  | "server-name"
  | "user"
  | "password-file"
  | "wait"
  | "no-wait"
  | "conflict-exit-code"
  | "on-lost"
  | "kill-after"
  | "stop-signal"
  | "leave-descendants"
  | "node"
  | "status"
  | "list"
  | "watch"
  | "json"
  | "verify"
  | "break"
  | "token"
  | "yes"
  | "doctor"
  | "verbose"
  | "json-log"
  | "completions"
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
  waiting: "Waiting in line",
  command: "The command",
  seeing: "Seeing and acting, in place of a command",
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
    repeatable: true,
    isEssential: true,
    brief: "the lock; several -k: all of them in one step",
    text:
      "the name of the lock. With several `-k`, all of these locks (60 at most) are taken in one step, which cannot block " +
      "others that do the same; the variable holds one name",
  },
  ttl: {
    group: "lock",
    letter: "t",
    value: "DURATION",
    variable: "ETCD_LOCK_TTL",
    fallback: "60",
    isEssential: true,
    brief: "how long the lock outlives a holder that died",
    text:
      "how long the lock outlives a holder that died, and a tenth longer, so that it has surely stopped; who comes only " +
      "afterwards waits that long, too. A whole number of seconds, 1 to 1000000",
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
  shared: {
    group: "lock",
    variable: "ETCD_LOCK_SHARED",
    fallback: "off",
    brief: "hold it together with others that share it",
    text: "hold the lock together with all others that share it; who comes after a writer waits behind it",
  },
  permits: {
    group: "lock",
    letter: "p",
    value: "N",
    variable: "ETCD_LOCK_PERMITS",
    fallback: "1",
    brief: "at most N hold it together: a semaphore",
    text: "a semaphore: at most N hold the lock together. When two disagree, the smaller number wins",
  },
  "at-least": {
    group: "lock",
    value: "DURATION",
    variable: "ETCD_LOCK_AT_LEAST",
    fallback: "0",
    brief: "keep others out at least so long, for cron",
    text:
      "for how long nobody else gets the lock, counted from when it was acquired, also when the command ends before: for " +
      "jobs that start at the same time on machines whose clocks differ",
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
  endpoints: {
    group: "connection",
    value: "ADDRESS",
    variable: "ETCDCTL_ENDPOINTS",
    repeatable: true,
    completion: "host",
    brief: "the same as --etcd, as etcdctl has it",
    text: "the same as `--etcd`, as etcdctl has it; `ETCD_LOCK_HOST` wins over its variable",
  },
  "discovery-srv": {
    group: "connection",
    value: "DOMAIN",
    variable: "ETCDCTL_DISCOVERY_SRV",
    completion: "host",
    brief: "take the addresses from DNS",
    text:
      "take the addresses from DNS: from the SRV records of `_etcd-client._tcp` in this domain, with certificates from those " +
      "of `_etcd-client-ssl._tcp`",
  },
  api: {
    group: "connection",
    value: "VERSION",
    variable: "ETCD_LOCK_API",
    fallback: "3",
    completion: ["2", "3"],
    brief: "etcd's API: 2 for locks as 1.x has them",
    text:
      "which API of etcd: 3, or 2, where locks are kept as etcd-lock 1.x keeps them, so that both exclude each other. " +
      "There is no line there, and none of `--shared`, `--permits`, `--at-least`, `--discovery-srv` and several `-k`",
  },
  cacert: {
    group: "connection",
    value: "FILE",
    variable: "ETCDCTL_CACERT",
    fallback: "those that Node.js knows",
    completion: "file",
    brief: "the authorities that etcd's certificate may be from",
    text: "speak TLS; etcd's certificate must be from an authority in this file",
  },
  cert: {
    group: "connection",
    value: "FILE",
    variable: "ETCDCTL_CERT",
    completion: "file",
    brief: "our own certificate",
    text: "our own certificate, where etcd wants one; speak TLS",
  },
  "cert-key": {
    group: "connection",
    value: "FILE",
    variable: "ETCDCTL_KEY",
    completion: "file",
    brief: "the key of our certificate",
    text: "the key of our certificate. etcdctl calls it `--key`, which is the name of the lock here",
  },
  "server-name": {
    group: "connection",
    value: "HOST",
    fallback: "the host of the address",
    completion: "host",
    brief: "the name that etcd's certificate must be for",
    text: "the name that etcd's certificate must be for; speak TLS",
  },
  user: {
    group: "connection",
    value: "NAME",
    variable: "ETCDCTL_USER",
    brief: "who we are to etcd",
    text:
      "who we are to etcd. The password is in `ETCDCTL_PASSWORD` or in a file; `ETCDCTL_USER` may hold it too, as " +
      "`name:password`, but not the flag, which `ps` shows to everybody",
  },
  "password-file": {
    group: "connection",
    value: "FILE",
    fallback: "ETCDCTL_PASSWORD",
    completion: "file",
    brief: "a file with the password of --user",
    text: "a file with the password of `--user`, which must not be open to everybody. It is read at each login",
  },
  wait: {
    group: "waiting",
    letter: "w",
    value: "DURATION",
    variable: "ETCD_LOCK_WAIT",
    fallback: "without limit",
    isEssential: true,
    brief: "how long to wait in line",
    text: "how long to wait in line when somebody else has the lock; `0` as `--no-wait`",
  },
  "no-wait": {
    group: "waiting",
    variable: "ETCD_LOCK_NO_WAIT",
    fallback: "off",
    isEssential: true,
    brief: "skip the command when somebody else has the lock",
    text:
      "don't wait: skip the command when somebody else has the lock. When the last holder died, and nobody else has come " +
      "yet, that one is waited for all the same",
  },
  "conflict-exit-code": {
    group: "waiting",
    letter: "E",
    value: "N",
    variable: "ETCD_LOCK_CONFLICT_EXIT_CODE",
    fallback: "1",
    brief: "the exit code when somebody else has the lock",
    text:
      "the exit code when the lock was not to be had, with `--no-wait` or within `--wait`, because somebody else has it: " +
      "0 to 255. With `0`, nothing is said about it, unless it is a holder that died",
  },
  "on-lost": {
    group: "command",
    value: "WAY",
    variable: "ETCD_LOCK_ON_LOST",
    fallback: "term",
    completion: ["term", "kill", "pause"],
    brief: "term, kill or pause the command",
    text:
      "what happens to the command when the lock is lost. `term`: the stop signal, and SIGKILL after `--kill-after`. " +
      "`kill`: SIGKILL at once. `pause`: SIGSTOP already when the lock is at risk, SIGCONT when it is safe again, and the " +
      "end as with `term` when it is lost",
  },
  "kill-after": {
    group: "command",
    value: "DURATION",
    variable: "ETCD_LOCK_KILL_AFTER",
    fallback: "a tenth of the TTL, 5 s at most",
    brief: "the time between SIGTERM and SIGKILL",
    text: "how long the command has between SIGTERM and SIGKILL, when it must end; `0` for SIGKILL at once",
  },
  "stop-signal": {
    group: "command",
    value: "SIGNAL",
    variable: "ETCD_LOCK_STOP_SIGNAL",
    fallback: "TERM",
    completion: ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "ABRT", "KILL"],
    brief: "what asks the command to end, in place of SIGTERM",
    text: "what asks the command to end, in place of SIGTERM, when the lock is lost or the command left something running",
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
  status: {
    group: "seeing",
    isEssential: true,
    brief: "who holds the lock, and who waits for it",
    text: "show who holds the lock and who waits for it, in order, other clients of etcd too",
  },
  list: {
    group: "seeing",
    value: "PREFIX",
    isEssential: true,
    brief: "the locks whose names begin with PREFIX",
    text: "show the locks that somebody has or waits for, and whose names begin with PREFIX; `--list=` for all of them",
  },
  watch: {
    group: "seeing",
    brief: "the same, kept current",
    text:
      "keep what `--status` or `--list` shows current, until Ctrl-C. Not on a terminal, it is written again when it has " +
      "changed",
  },
  json: {
    group: "seeing",
    brief: "the same in JSON",
    text: "what `--status`, `--list`, `--watch` or `--doctor` show, in JSON: a document; with `--watch`, one a line",
  },
  verify: {
    group: "seeing",
    value: "TOKEN",
    brief: "whether the lock is still held with this token",
    text:
      "whether the lock is still held with this fencing token: exit code 0, or 2 when it is not. For scripts under a lock, " +
      'between two steps: `etcdlocker -k "$ETCDLOCKER_KEY" --verify "$ETCDLOCKER_FENCING_TOKEN"`',
  },
  break: {
    group: "seeing",
    isEssential: true,
    brief: "take the lock away from its holder",
    text:
      "take the lock away from its holder, who is told. On a terminal, the holder is shown first, and a yes asked for; " +
      "elsewhere it takes `--yes --token N`",
  },
  token: {
    group: "seeing",
    value: "N",
    brief: "from the holder with this token",
    text: "with `--break`: from the holder with this fencing token, as `--status` shows it, and from nobody else",
  },
  doctor: {
    group: "seeing",
    brief: "what may be wrong with etcd or the lock",
    text:
      "look at the endpoints, versions, latency against the TTL, clocks, permissions and the keys of the lock, and say what " +
      "to do about what is wrong: exit code 1 when locks cannot work as they should",
  },
  yes: { group: "seeing", brief: "don't ask", text: "with `--break --token N`: don't ask" },
  verbose: {
    group: "messages",
    letter: "v",
    variable: "ETCD_LOCK_VERBOSE",
    fallback: "off",
    brief: "say on standard error what happens, with times",
  },
  "json-log": {
    group: "messages",
    variable: "ETCD_LOCK_JSON_LOG",
    fallback: "off",
    brief: "say it in JSON, a line each",
    text: "what is said on standard error is JSON, one object a line, with `time`, `level`, `message`, `names`, `id` and `pid`",
  },
  completions: {
    group: "messages",
    value: "SHELL",
    completion: shells,
    brief: "print what makes this shell complete the options",
    text: "print the script that makes a shell, `bash`, `zsh` or `fish`, complete the options",
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
