import { EtcdRefusedError } from "../../index.ts";

/** What to do when etcd does not let us: say who we are, or be given what the lock `name` needs. */
export function accessAdvice(name: string, error: unknown): string {
  if (error instanceof EtcdRefusedError && error.status !== "PERMISSION_DENIED") {
    return "does the cluster have users? Then say who you are: --user NAME, with --password-file FILE";
  }
  const grants = [`${name}/`, `${name}!`].map(
    (prefix) => `etcdctl role grant-permission ROLE --prefix=true readwrite ${prefix}`,
  );
  return `the user needs to read and write two prefixes: ${grants.join(" && ")}`;
}
