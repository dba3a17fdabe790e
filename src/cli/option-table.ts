/** The options, by the long flag without its dashes. */
export type OptionName =
  | "help"
  | "etcd"
  | "id"
  | "key"
  | "node"
  | "refresh"
  | "ttl"
  | "kill-after"
  | "leave-descendants"
  | "verbose"
  | "version";

/** One option. Parsing, help and environment variables derive from this; `docs/cli.md` is tested against it. */
export interface OptionDescription {
  /** The letter of the short flag. */
  readonly letter?: string;
  /** What stands for the value in the help. An option without it is a switch. */
  readonly value?: string;
  /** The environment variable that stands in for the flag. Empty is as good as not set, as in 1.x. */
  readonly variable?: string;
  /** What holds when neither flag nor variable is given, in words. */
  readonly fallback?: string;
  /** May be given several times. */
  readonly repeatable?: true;
  readonly text: string;
}

/** Every option of `etcdlocker`, in the order of the help. */
export const optionTable: Readonly<Record<OptionName, OptionDescription>> = {
  help: { letter: "h", text: "print this help" },
  etcd: {
    letter: "e",
    value: "address",
    variable: "ETCD_LOCK_HOST",
    fallback: "localhost:2379",
    repeatable: true,
    text: "where etcd is: host, host:port, a URL, or several of them, separated by commas or in several -e",
  },
  id: {
    letter: "i",
    value: "text",
    variable: "ETCD_LOCK_ID",
    fallback: "the host name",
    text: "who we are, as people read it; it does not decide who holds the lock",
  },
  key: { letter: "k", value: "name", variable: "ETCD_LOCK_KEY", text: "the name of the lock; required" },
  node: {
    letter: "n",
    text:
      "the command is a Node.js module: it is forked, and pinged once per refresh period with the message {ping: x}, " +
      "which it must answer with {pong: x} within TTL seconds",
  },
  refresh: {
    letter: "r",
    value: "duration",
    variable: "ETCD_LOCK_REFRESH",
    fallback: "half the TTL",
    text: "how often the lock is renewed",
  },
  ttl: {
    letter: "t",
    value: "duration",
    variable: "ETCD_LOCK_TTL",
    fallback: "60",
    text: "how long the lock outlives a holder that died: a whole number of seconds, 1 to 1000000",
  },
  "kill-after": {
    value: "duration",
    fallback: "5, or a tenth of the TTL if that is less",
    text: "how long the command has between SIGTERM and SIGKILL, when it must end",
  },
  "leave-descendants": { text: "when the command has ended, leave running what it started" },
  verbose: { letter: "v", text: "say on standard error what happens" },
  version: { text: "print the version" },
};

/** The names of all options, in the order of the table. */
export const optionNames: readonly OptionName[] = Object.keys(optionTable).filter(isOptionName);

/** Whether `text` is the long flag of an option, without its dashes. */
export function isOptionName(text: string): text is OptionName {
  return Object.hasOwn(optionTable, text);
}
