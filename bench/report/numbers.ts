/** Three significant digits, as people read numbers: `12,300`, `1.23`. */
export function inDigits(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** A multiple of something: `1.23 ×`. */
export function inTimes(value: number): string {
  return `${inDigits(value)} ×`;
}

/** What a figure is called in a table. */
export const figureLabels: Readonly<Record<string, string>> = {
  perSecond: "per second",
  meanMs: "mean ms",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  maxMs: "max ms",
  ms: "ms",
  longestWaitMs: "longest wait ms",
  averageWaitMs: "average wait ms",
  longestToAverage: "longest : average",
  changesOfProcess: "share to another process",
  count: "hand-overs",
  requests: "requests",
  watchMessages: "messages on watch streams",
  bytes: "bytes",
  etcdCpuMs: "etcd CPU ms",
  cpuShare: "share of a core",
  memoryMiB: "more memory MiB",
  leases: "leases",
  messagesPerSecond: "messages/s",
  transactionsPerSecond: "transactions/s",
  mostTransactionsInASecond: "most in 1 s",
};
