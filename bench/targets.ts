import type { Results } from "./results.ts";

/** What the project set itself to reach: one figure, of this run alone. */
export interface Target {
  readonly title: string;
  /** In words, with its limit. */
  readonly wanted: string;
  readonly limit: number;
  readonly isAtMost: boolean;
  /** `undefined` when it was not measured. */
  measure(results: Results): number | undefined;
}

/** A target, and what became of it. */
export interface Outcome {
  readonly title: string;
  readonly wanted: string;
  readonly measured: number | undefined;
  readonly isReached: boolean | undefined;
}

/** Compares what was measured with what was wanted. */
export function judgeTargets(results: Results): readonly Outcome[] {
  return targets.map(({ title, wanted, limit, isAtMost, measure }) => {
    const measured = measure(results);
    const isReached = measured === undefined ? undefined : isAtMost ? measured <= limit : measured >= limit;
    return { title, wanted, measured, isReached };
  });
}

type Measure = Target["measure"];

const ours = "etcd-lock";

/** Our figure divided by another's: the median of the rounds. */
function against(scenario: string, other: string, figure: string): Measure {
  return (results) => results.ratio(scenario, ours, other, figure)?.median;
}

function own(scenario: string, figure: string): Measure {
  return (results) => results.median(scenario, ours, figure);
}

function quotient(value: number | undefined, other: number | undefined): number | undefined {
  return value === undefined || other === undefined ? undefined : value / other;
}

function atMost(limit: number, title: string, wanted: string, measure: Measure): Target {
  return { title, wanted, limit, isAtMost: true, measure };
}

function atLeast(limit: number, title: string, wanted: string, measure: Measure): Target {
  return { title, wanted, limit, isAtMost: false, measure };
}

const throughput = "perSecond";

const targets: readonly Target[] = [
  atMost(1.3, "one caller", "≤ 1.3 × the time of Go's Mutex", against("uncontended-1", "go-mutex", "p50Ms")),
  atLeast(1.1, "16 callers", "≥ 1.1 × Go's Mutex", against("uncontended-16", "go-mutex", throughput)),
  atLeast(1.4, "256 callers", "≥ 1.4 × Go's Mutex", against("uncontended-256", "go-mutex", throughput)),
  atLeast(4, "256 callers", "≥ 4 × without batching", against("uncontended-256", "etcd-lock-unbatched", throughput)),
  atLeast(0.5, "256 callers", "≥ 0.5 × redlock on one Redis", against("uncontended-256", "redlock", throughput)),
  ...[2, 16].flatMap((processes) => [
    atLeast(
      5,
      `${processes} contenders, a process each`,
      "≥ 5 × Go's Mutex",
      against(`contended-${processes}`, "go-mutex", throughput),
    ),
    atMost(
      0.2,
      `${processes} contenders, a process each`,
      "p99 ≤ 0.2 × Go's Mutex",
      against(`contended-${processes}`, "go-mutex", "p99Ms"),
    ),
  ]),
  atMost(3, "hand-over, two processes", "p50 ≤ 3 × a put from Node.js", against("hand-over", "node-put", "p50Ms")),
  atMost(10, "hand-over, two processes", "p99 ≤ 10 × a put from Node.js", (results) =>
    quotient(results.median("hand-over", ours, "p99Ms"), results.median("hand-over", "node-put", "p50Ms")),
  ),
  atLeast(
    1,
    "100 contenders in one process",
    "≥ 1,000/s, or 0.5 × put + delete from Node.js (share of the easier)",
    (results) => {
      const rate = results.median("contended-one-process", ours, throughput);
      const floor = results.median("contended-one-process", "node-put-delete", throughput);
      return floor === undefined ? undefined : quotient(rate, Math.min(1_000, floor / 2));
    },
  ),
  ...[10, 1_000].map((waiters) =>
    atMost(
      4,
      `requests a hand-over, ${waiters.toLocaleString("en")} waiters`,
      "≤ 4 answered by etcd",
      own(`long-line-${waiters}`, "requests"),
    ),
  ),
  atMost(1.1, "requests a hand-over", "1,000 waiters: the same as 10 (≤ 1.1 ×)", (results) =>
    quotient(own("long-line-1000", "requests")(results), own("long-line-10", "requests")(results)),
  ),
  atMost(2, "10,000 held locks", "≤ 2 leases", own("held-10000", "leases")),
  atMost(10, "10,000 held locks", "≤ 10 transactions in any second", own("held-10000", "mostTransactionsInASecond")),
  atMost(0.05, "10,000 held locks", "≤ 0.05 of one core", own("held-10000", "cpuShare")),
  atMost(60, "10,000 held locks", "≤ 60 MiB more memory", own("held-10000", "memoryMiB")),
  atMost(2.2, "etcdlocker -- true", "≤ 2.2 × node -e 0", against("command", "node", "ms")),
  atMost(0.6, "etcdlocker -- true", "≤ 0.6 × etcdlocker 1.1.0", against("command", "etcd-lock-1", "ms")),
];
