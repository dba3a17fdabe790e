import type { SimulatedHost, World } from "./simulated-host.ts";

/** Whom faults befall. */
export interface FaultTargets {
  readonly world: World;
  /** Those that run or are frozen. */
  hosts(): readonly SimulatedHost[];
  /** The host ends at once, and another comes in its place. */
  crash(host: SimulatedHost): void;
}
