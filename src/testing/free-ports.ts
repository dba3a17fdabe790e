import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the range from which Linux and macOS take the ports of outgoing connections: such a connection could otherwise
 * sit on the port of a member that is down for a moment.
 */
const lowestPort = 12_000;
const highestPort = 32_000;

/** Chooses `count` different ports of 127.0.0.1 that nobody listens on. Somebody else may take them a moment later. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(lowestPort, highestPort);
    if (await isPortFree(port)) ports.add(port);
  }
  return [...ports];
}

/** Whether nobody listens on a port of 127.0.0.1, at this moment. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
