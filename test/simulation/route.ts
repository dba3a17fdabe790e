import type { SimulatedCluster } from "./simulated-cluster.ts";
import type { SimulatedMember } from "./simulated-member.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What a connection leads through, and to. */
export interface Route {
  readonly time: VirtualTime;
  readonly process: SimulatedProcess;
  readonly network: SimulatedNetwork;
  readonly cluster: SimulatedCluster;
  readonly member: SimulatedMember;
}
