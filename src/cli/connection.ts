import type { EtcdOptions, LockManager, LockManagerSettings } from "../index.ts";
import type { CommandManager } from "./command-manager.ts";
import { readUser } from "./connection-user.ts";
import { messageOf } from "./error-message.ts";
import type { OptionName } from "./option-table.ts";
import { type Setting, type Settings, wrong } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** How etcd is reached. As given: the library knows what an address is, and reads the files. */
export type Connection = Pick<EtcdOptions, "endpoints" | "discoverySrv" | "api" | "tls" | "user">;

/** @throws UsageError that names the option, what came and what is allowed. */
export function readConnection(settings: Settings): Connection {
  const [tls, user] = [readTls(settings), readUser(settings)];
  const api = settings.wholeNumber("api", 2, 3) === 2 ? ({ api: 2 } as const) : {};
  return { ...readPlace(settings), ...api, ...(tls !== undefined && { tls }), ...(user !== undefined && { user }) };
}

/**
 * A manager with this connection. The library, which takes a while to load, is loaded only now.
 *
 * @throws UsageError for what the library does not take.
 */
export async function openManager(connection: Connection, settings: LockManagerSettings = {}): Promise<CommandManager> {
  if (connection.api !== 2) return await openLockManager(connection, settings);
  const { V2Manager } = await import("../v2/v2-manager.ts");
  return explainOptions(() => new V2Manager(connection, settings));
}

/** The same for what only etcd's v3 API can do. @throws UsageError for another one too. */
export async function openLockManager(connection: Connection, settings: LockManagerSettings): Promise<LockManager> {
  if (connection.api === 2) throw new UsageError("--api 2 runs commands only: to see locks and to act on them takes 3");
  const library = await import("../index.ts");
  return explainOptions(() => new library.LockManager({ ...settings, ...connection }));
}

function explainOptions<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    const isOption = error instanceof TypeError || error instanceof RangeError;
    throw isOption ? new UsageError(messageOf(error), { cause: error }) : error;
  }
}

/** What says where etcd is, the first that is given: flags before variables, and ours before those of etcdctl. */
function readPlace(settings: Settings): Pick<Connection, "endpoints" | "discoverySrv"> {
  const flags: readonly OptionName[] = ["etcd", "endpoints"];
  const given = flags.filter((name) => settings.hasFlag(name));
  if (given.length > 0 && settings.hasFlag("discovery-srv")) {
    throw new UsageError(`--discovery-srv is given beside --${given[0]}: the addresses are from DNS, or given`);
  }
  if (given.length > 0) return { endpoints: given.flatMap((name) => readAddresses(settings.find(name))) };
  const domain = settings.text("discovery-srv");
  if (settings.hasFlag("discovery-srv")) return { discoverySrv: domain };
  const variable = settings.find("etcd") ?? settings.find("endpoints");
  if (variable !== undefined) return { endpoints: readAddresses(variable) };
  return domain === undefined ? { endpoints: ["localhost:2379"] } : { discoverySrv: domain };
}

function readAddresses(setting: Setting | undefined): readonly string[] {
  if (setting === undefined) return [];
  const addresses = setting.values.flatMap((value) => value.split(",")).map((address) => address.trim());
  if (!addresses.includes("")) return addresses;
  throw wrong(setting, "one or more addresses, separated by commas: host, host:port, a URL, IPv6 in brackets");
}

function readTls(settings: Settings): Connection["tls"] {
  const [ca, cert, key, serverName] = (["cacert", "cert", "cert-key", "server-name"] as const).map((name) =>
    settings.text(name),
  );
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}
