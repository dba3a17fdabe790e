import type { Scene } from "../run/scene.ts";

/** A fault that has been inflicted. */
export interface Inflicted {
  /** What exactly, for people. */
  readonly note: string;
  /** How long it is to last, in milliseconds. */
  readonly lastsMs: number;
  /** Undoes it. Resolves when the cluster, or the client, is as it was. */
  readonly heal: () => Promise<void>;
}

/** A fault is not possible here, or at this moment; the message says why. */
export class NotPossible extends Error {
  override readonly name = "NotPossible";
}

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  /** What happens, in one line. */
  readonly text: string;
  /** What it is done to: two faults of the same part do not happen at the same time. */
  readonly part: "etcd" | "clients";
  /** How often it is planned, compared with others; 1 unless given. */
  readonly weight?: number;
  /** @throws NotPossible */
  readonly inflict: (scene: Scene) => Promise<Inflicted>;
}
