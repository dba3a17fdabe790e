import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";

/**
 * The process, one of `pids`, at the other end of a connection over IPv4 loopback; `undefined` where the system does not
 * tell. On Linux, the table of connections names the socket, and the process has it among its open files.
 */
export function findDialer(client: Socket, pids: readonly number[]): number | undefined {
  if (pids.length === 0 || process.platform !== "linux") return undefined;
  const inode = findInode(client.remotePort ?? 0, client.localPort ?? 0);
  return inode === undefined ? undefined : pids.find((pid) => hasOpen(pid, `socket:[${inode}]`));
}

/** The table has a line for every connection of the machine: only one is taken apart. */
function findInode(ownPort: number, otherPort: number): string | undefined {
  const table = readFileSync("/proc/net/tcp", "latin1");
  const start = table.indexOf(`${loopback(ownPort)} ${loopback(otherPort)}`);
  if (start === -1) return undefined;
  const [, , , , , , , , inode] = table.slice(start, table.indexOf("\n", start)).split(/\s+/);
  return inode;
}

/** As the table writes 127.0.0.1 and a port. */
function loopback(port: number): string {
  return `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

function hasOpen(pid: number, name: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((descriptor) => {
      try {
        return readlinkSync(`${folder}/${descriptor}`) === name;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
