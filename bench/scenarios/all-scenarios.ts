import type { Scenario } from "../scenario.ts";
import { oneMember, threeMembersOnSlowDisks } from "../servers/bench-etcd.ts";
import { command } from "./command.ts";
import { contended, contenders } from "./contended.ts";
import { handOver } from "./hand-over.ts";
import { heldLocks } from "./held-locks.ts";
import { longLine } from "./long-line.ts";
import { uncontended } from "./uncontended.ts";

const onEtcd = ["etcd-lock", "go-mutex", "go-put-delete", "node-put-delete"];
const onNpm = ["etcd3", "etcd-lock-1", "redlock", "redis-semaphore"];
/** etcd3 is not among them: it cannot wait for a lock. */
const waiting = ["etcd-lock", "go-mutex", "etcd-lock-1", "redlock", "redis-semaphore"];

const slowDisks = "three members, disks slower by 2 ms";

/** In the order in which they are run. */
export const allScenarios: readonly Scenario[] = [
  uncontended({
    id: "uncontended-1",
    title: "One caller: lock and unlock",
    callers: 1,
    peers: [...onEtcd, ...onNpm],
    etcd: oneMember,
    isForAll: true,
  }),
  uncontended({
    id: "uncontended-16",
    title: "16 callers, a lock each",
    callers: 16,
    peers: [...onEtcd, ...onNpm],
    etcd: oneMember,
  }),
  uncontended({
    id: "uncontended-256",
    title: "256 callers, a lock each",
    callers: 256,
    peers: ["etcd-lock", "etcd-lock-unbatched", ...onEtcd.slice(1), ...onNpm],
    etcd: oneMember,
  }),
  {
    ...uncontended({
      id: "uncontended-1024",
      title: "1,024 callers, a lock each",
      callers: 1_024,
      peers: ["etcd-lock", "go-mutex", "redlock", "redis-semaphore"],
      etcd: oneMember,
    }),
    isSlow: true,
  },
  contended({
    id: "contended-2",
    title: "2 contenders for one lock, in processes of their own",
    entrants: contenders(waiting, 2),
    etcd: oneMember,
  }),
  contended({
    id: "contended-16",
    title: "16 contenders for one lock, in processes of their own",
    entrants: contenders(waiting, 16),
    etcd: oneMember,
  }),
  contended({
    id: "contended-100",
    title: "100 contenders for one lock, in processes of their own",
    entrants: contenders(["etcd-lock", "go-mutex", "redlock"], 100),
    etcd: oneMember,
    isSlow: true,
    mostRounds: 3,
  }),
  contended({
    id: "contended-one-process",
    title: "100 contenders for one lock, in one process",
    // Not etcd-lock 1.1.0: a hundred of its waiters cannot be called back before each has had its turn.
    entrants: [
      ...contenders(["etcd-lock", "go-mutex", "redlock", "redis-semaphore"], 1, 100),
      ...contenders(["node-put-delete"], 1),
    ],
    etcd: oneMember,
  }),
  handOver({
    id: "hand-over",
    title: "Hand-over between two processes: from the call of release until the next holder runs",
    peers: waiting,
    floor: "node-put",
    etcd: oneMember,
  }),
  ...[10, 100, 1_000].map((waiters) => longLine(waiters, ["etcd-lock", "go-mutex"], waiters === 100)),
  command("command"),
  heldLocks("held-10000", 10_000, ["etcd-lock", "go-mutex"]),
  ...[1, 16, 256].map((callers) => ({
    ...uncontended({
      id: `three-uncontended-${callers}`,
      title: `${callers === 1 ? "One caller" : `${callers} callers, a lock each`}: ${slowDisks}`,
      callers,
      peers: onEtcd,
      etcd: threeMembersOnSlowDisks,
    }),
    isSlow: true,
  })),
  ...[2, 16].map((processes) =>
    contended({
      id: `three-contended-${processes}`,
      title: `${processes} contenders for one lock, in processes of their own: ${slowDisks}`,
      entrants: contenders(["etcd-lock", "go-mutex"], processes),
      etcd: threeMembersOnSlowDisks,
      isSlow: true,
    }),
  ),
  {
    ...handOver({
      id: "three-hand-over",
      title: `Hand-over between two processes: ${slowDisks}`,
      peers: ["etcd-lock", "go-mutex"],
      floor: "node-put",
      etcd: threeMembersOnSlowDisks,
    }),
    isSlow: true,
  },
];
