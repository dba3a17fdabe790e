import type { Header } from "../etcd/etcd-client.ts";

/** What is wrong with an answer of etcd: in words. */
type Fault = string;

/** Knows the cluster that a session began with by its answers, and notices when another answers, or an older state of it. */
export class ClusterHistory {
  readonly #clusterId: bigint;
  #revision = 0n;

  constructor({ clusterId }: Header) {
    this.#clusterId = clusterId;
  }

  /** For any answer; `undefined` when it is from the same cluster. */
  compare({ clusterId }: Header): Fault | undefined {
    return clusterId === this.#clusterId ? undefined : "another etcd cluster answers at its endpoints";
  }

  /**
   * For the answers to transactions, in order. They see revisions that only grow: one that went back means that etcd was
   * given the data of a backup, which knows nothing of what came since. What a keepalive says proves nothing here: it is
   * from the data of one member.
   */
  follow(header: Header): Fault | undefined {
    const wentBack = header.revision < this.#revision;
    this.#revision = header.revision;
    return (
      this.compare(header) ??
      (wentBack ? "the data of etcd went back in time: it was restored from a backup" : undefined)
    );
  }
}
