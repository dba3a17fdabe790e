import { arrangeCluster } from "./arrange-cluster.ts";
import type { EtcdCluster } from "./etcd-cluster.ts";
import { EtcdStartError } from "./etcd-member.ts";
import { enableAuth } from "./etcd-user.ts";
import { provideEtcd } from "./provide-etcd.ts";
import type { StartEtcdOptions } from "./start-etcd-options.ts";

const portAttempts = 5;

/**
 * Starts a real etcd cluster on loopback ports, with etcd's own timing, and resolves when every member carries out
 * linearizable reads. Rejects when etcd is not installed, and with the end of its log when it does not start.
 * The cluster ends with this process at the latest, however that ends, and does not keep it alive.
 */
export async function startEtcd(options: StartEtcdOptions = {}): Promise<EtcdCluster> {
  const count = countMembers(options);
  const programs = await provideEtcd(options.version);
  for (let attempt = 1; ; attempt++) {
    const cluster = await arrangeCluster(programs, count, options);
    try {
      await Promise.all(cluster.members.map((member) => member.start()));
      await requireUser(cluster);
      return cluster;
    } catch (error) {
      await cluster.stop();
      const mayRetry = options.ports === undefined && attempt < portAttempts;
      if (!(mayRetry && error instanceof EtcdStartError && error.isPortTaken)) throw error;
    }
  }
}

function countMembers({ members, ports }: StartEtcdOptions): number {
  const count = members ?? ports?.length ?? 1;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`members is ${count}, and must be a whole number from 1`);
  }
  if (ports !== undefined && ports.length !== count) {
    throw new RangeError(`ports has ${ports.length} ports, and must have one for each of the ${count} members`);
  }
  return count;
}

async function requireUser({ members: [member], tls, user }: EtcdCluster): Promise<void> {
  if (member !== undefined && user !== undefined) await enableAuth({ endpoint: member.endpoint, tls }, user);
}
