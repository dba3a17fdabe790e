import { systemClock } from "#dist/clock.js";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import { type Operation, put, remove } from "#dist/etcd/transaction.js";
import type { Job } from "../../protocol.ts";
import type { LockPeer } from "../lock-peer.ts";

/** The floor of a hand-over: one put for each turn, through the client that etcd-lock uses. */
export function openPuts(job: Job): LockPeer {
  return openWrites(job, false);
}

/** The floor of a lock: a put to take, and a delete to give back. */
export function openPutsAndDeletes(job: Job): LockPeer {
  return openWrites(job, true);
}

function openWrites({ endpoints }: Job, deletes: boolean): LockPeer {
  const client = new GrpcEtcdClient(parseEtcdSource(endpoints), systemClock);
  const write = async (operation: Operation): Promise<void> => {
    await client.transact({ compare: [], success: [operation], failure: [] }, { timeoutMs: 5_000 });
  };
  return {
    locker: (key) => ({
      take: async () => {
        await write(put(key, "", 0n));
        return { token: 0, giveBack: () => (deletes ? write(remove(key)) : Promise.resolve()) };
      },
    }),
    close: () => Promise.resolve(client.close()),
  };
}
