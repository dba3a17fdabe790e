import type { LockManager, LockManagerOptions } from "../index.ts";
import { type Settings, wrong } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/** How etcd is reached. */
export interface Connection {
  /** As given; the library knows what an address is. */
  readonly endpoints: readonly string[];
}

/** @throws UsageError that names the option, what came and what is allowed. */
export function readConnection(settings: Settings): Connection {
  return { endpoints: readAddresses(settings) };
}

/**
 * A manager with this connection. The library, which takes a while to load, is loaded only now.
 *
 * @throws UsageError for what the library does not take.
 */
export async function openManager(
  { endpoints }: Connection,
  options: Omit<LockManagerOptions, "endpoints"> = {},
): Promise<LockManager> {
  const library = await import("../index.ts");
  try {
    return new library.LockManager({ ...options, endpoints });
  } catch (error) {
    const isOption = error instanceof TypeError || error instanceof RangeError;
    throw isOption ? new UsageError(error.message, { cause: error }) : error;
  }
}

function readAddresses(settings: Settings): readonly string[] {
  const setting = settings.find("etcd");
  if (setting === undefined) return ["localhost:2379"];
  const addresses = setting.values.flatMap((value) => value.split(",")).map((address) => address.trim());
  if (!addresses.includes("")) return addresses;
  throw wrong(setting, "one or more addresses, separated by commas: host, host:port, a URL, IPv6 in brackets");
}
