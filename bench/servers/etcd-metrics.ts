import { nowMs } from "../monotonic.ts";

/** What etcd counted since it started, over all members. */
export interface EtcdCounts {
  /** Messages that came from clients: requests, and what was sent on streams (watches, keepalives). */
  readonly messages: number;
  /** Requests answered, and streams ended. */
  readonly requests: number;
  /** Of the messages: watches created, cancelled, and asked about. */
  readonly watchMessages: number;
  readonly transactions: number;
  /** Bytes that came from clients and went to them. */
  readonly bytes: number;
  readonly leasesGranted: number;
  /** Seconds of processor time. */
  readonly cpuSeconds: number;
  /** When it was read: CLOCK_MONOTONIC in milliseconds. */
  readonly readAt: number;
}

type Sample = readonly [name: string, labels: string, value: number];

/** Reads what each member tells of itself at `/metrics`, and adds it up. */
export async function readEtcdCounts(endpoints: readonly string[]): Promise<EtcdCounts> {
  const startedAt = nowMs();
  const texts = await Promise.all(
    endpoints.map(async (endpoint) => await (await fetch(`http://${endpoint}/metrics`)).text()),
  );
  const samples = texts.flatMap(readSamples);
  const sum = (name: string, label = ""): number =>
    samples.reduce(
      (total, [own, labels, value]) => (own === name && labels.includes(label) ? total + value : total),
      0,
    );
  const received = "grpc_server_msg_received_total";
  return {
    messages: sum(received, 'grpc_service="etcdserverpb.'),
    requests: sum("grpc_server_handled_total", 'grpc_service="etcdserverpb.'),
    watchMessages: sum(received, 'grpc_service="etcdserverpb.Watch"'),
    transactions: sum(received, 'grpc_method="Txn"'),
    bytes: sum("etcd_network_client_grpc_received_bytes_total") + sum("etcd_network_client_grpc_sent_bytes_total"),
    leasesGranted: sum("etcd_debugging_lease_granted_total"),
    cpuSeconds: sum("process_cpu_seconds_total"),
    readAt: (startedAt + nowMs()) / 2,
  };
}

function readSamples(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(\w+)(\{[^}]*\})? (\S+)$/.exec(line);
    return match === null ? [] : [[match[1] ?? "", match[2] ?? "", Number(match[3])] as const];
  });
}
