import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";

/** Where etcd's programs are on this machine. */
export interface EtcdPrograms {
  /** Absolute path of the server, `etcd`. */
  readonly etcd: string;
  /** Absolute path of `etcdctl`; `undefined` when it is not installed. */
  readonly etcdctl: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Looks for etcd in `$ETCD_BIN`, then on `PATH`; for etcdctl in `$ETCDCTL_BIN`, then next to etcd, then on `PATH`.
 * Throws an `Error` that says what to install, or which variable names something that cannot be run.
 */
export function findEtcd(environment: Environment = process.env): EtcdPrograms {
  const programs = lookForEtcd(environment);
  if (programs !== undefined) return programs;
  throw new Error(
    "etcd was not found: install it (Debian and Ubuntu: apt-get install etcd-server etcd-client; " +
      "macOS: brew install etcd), or set ETCD_BIN to the path of the etcd program",
  );
}

/** As {@link findEtcd}, but that none is installed is no error: `undefined`. */
export function lookForEtcd(environment: Environment = process.env): EtcdPrograms | undefined {
  const etcd = fromVariable(environment, "ETCD_BIN") ?? onPath(environment, "etcd");
  if (etcd === undefined) return undefined;
  const etcdctl =
    fromVariable(environment, "ETCDCTL_BIN") ??
    runnable(join(dirname(etcd), "etcdctl")) ??
    onPath(environment, "etcdctl");
  return { etcd, etcdctl };
}

function fromVariable(environment: Environment, variable: string): string | undefined {
  const path = environment[variable];
  if (path === undefined || path === "") return undefined;
  const program = runnable(path);
  if (program === undefined) throw new Error(`${variable} is ${JSON.stringify(path)}, which is not a program`);
  return program;
}

function onPath(environment: Environment, program: string): string | undefined {
  for (const folder of (environment.PATH ?? "").split(delimiter)) {
    const found = folder === "" ? undefined : runnable(join(folder, program));
    if (found !== undefined) return found;
  }
  return undefined;
}

function runnable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? resolve(path) : undefined;
  } catch {
    return undefined;
  }
}
