import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";

/**
 * The process, one of `pids`, at the other end of a connection from this machine; `undefined` where the system does not
 * tell. On Linux, the table of connections names the socket, and the process has it among its open files.
 */
export function findDialer(client: Socket, pids: readonly number[]): number | undefined {
  if (client.remotePort === undefined || process.platform !== "linux") return undefined;
  const inode = findInode(client.remotePort, client.localPort ?? 0);
  return inode === undefined ? undefined : pids.find((pid) => hasOpen(pid, `socket:[${inode}]`));
}

function findInode(ownPort: number, otherPort: number): string | undefined {
  const [own, other] = [ownPort, otherPort].map((port) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`);
  for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n")) {
    const [, local = "", remote = "", , , , , , , inode] = line.trim().split(/\s+/);
    if (own !== undefined && other !== undefined && local.endsWith(own) && remote.endsWith(other)) return inode;
  }
  return undefined;
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
