/** What cluster to start. */
export interface StartEtcdOptions {
  /** How many members; 1 by default. */
  readonly members?: number;
  /**
   * Which etcd: a release in any patch, such as `"3.5"`, or an exact version, such as `"3.5.35"`; by default the one that is
   * found. When that is another one, and etcd is 3.5 or newer, the latest patch is built with Go from the Go module proxy,
   * which takes minutes, and kept in `$ETCD_LOCK_CACHE`, by default `~/.cache/etcd-lock`.
   */
  readonly version?: string;
  /** Whether clients must speak TLS, and show a certificate, which the command `openssl` makes. */
  readonly tls?: boolean;
  /** Whether clients must say which user they are. There is one then, `root`. Not for data that has users already. */
  readonly auth?: boolean;
  /** Folder for data and logs, kept at the end; by default a temporary one, which is removed. */
  readonly dataDir?: string;
  /** Client port of each member; by default free ones. */
  readonly ports?: readonly number[];
  /**
   * Puts something between the members, such as a proxy: told where a member listens for the others (`host:port`), it
   * resolves to where they are to look for it.
   */
  readonly peerNetwork?: (address: string) => Promise<string>;
  /** Further command line words for every member; they win over ours. */
  readonly extraArguments?: readonly string[];
  /** Further environment variables. Those of this process whose names start with `ETCD` are not passed on. */
  readonly environment?: Readonly<Record<string, string>>;
}
