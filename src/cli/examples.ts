/** A command line that shows what etcdlocker is for. */
export interface Example {
  readonly title: string;
  readonly line: string;
}

/** For the help and the manual page, the most usual first. */
export const examples: readonly Example[] = [
  {
    title: "in the crontab of all machines: one runs it, the others skip it",
    line: "etcdlocker -k /mail --no-wait -E 0 --at-least 50s -- send-mail --all",
  },
  { title: "one backup at a time, on whatever machine", line: "etcdlocker -e etcd1,etcd2,etcd3 -k /backup backup.sh" },
  {
    title: "at most three at a time, and no more than five minutes in line",
    line: "etcdlocker -k /report -p 3 -w 5m report.sh",
  },
  { title: "who holds the lock, kept current", line: "etcdlocker -k /backup --status --watch" },
  { title: "all locks, for a program", line: "etcdlocker --list / --json" },
  { title: "free a lock whose holder is stuck", line: "etcdlocker -k /backup --break" },
];
