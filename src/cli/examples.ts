/** A command line that shows what etcdlocker is for. */
export interface Example {
  readonly title: string;
  readonly line: string;
}

/** For the help and the manual page, the most usual first. */
export const examples: readonly Example[] = [
  {
    title: "one backup at a time, on whatever machine",
    line: "etcdlocker -e etcd1,etcd2 -k /backup -- backup.sh --all",
  },
];
