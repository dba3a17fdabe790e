import type { EtcdUserOptions } from "../index.ts";
import { show } from "../show.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

const passwordVariable = "ETCDCTL_PASSWORD";

/**
 * Who we are to etcd. No message has what was given: it may be a password.
 *
 * @throws UsageError for a password on the command line, and for a user without one.
 */
export function readUser(settings: Settings): EtcdUserOptions | undefined {
  const setting = settings.find("user");
  const passwordFile = settings.text("password-file");
  if (setting === undefined) {
    if (passwordFile === undefined) return undefined;
    throw new UsageError("--password-file is given without a user: give --user NAME, or ETCDCTL_USER");
  }
  const [, name = "", , ownPassword] = /^([^:]*)(:(.*))?$/s.exec(setting.text) ?? [];
  if (settings.hasFlag("user") && ownPassword !== undefined) {
    throw new UsageError(
      "--user has a password in it, which ps shows to everybody on this machine: give --user NAME, and the password in " +
        `${passwordVariable} or --password-file`,
    );
  }
  if (name === "") throw new UsageError(`${setting.source} has no name in it; allowed is NAME`);
  if (passwordFile !== undefined) return { name, passwordFile };
  const password = settings.variable(passwordVariable) ?? ownPassword;
  if (password !== undefined && password !== "") return { name, password };
  throw new UsageError(`the user ${show(name)} needs a password: give it in ${passwordVariable} or --password-file`);
}
