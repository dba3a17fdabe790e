// Compiled with the types of browsers, by web-locks-types.test.ts: our manager stands for `navigator.locks`.

import { LockManager as EtcdLockManager } from "etcd-lock";

type DomLocks = Pick<LockManager, "request" | "query">;

const ours = new EtcdLockManager({ endpoints: "127.0.0.1:2379" });

export const locks: DomLocks = ours;

/** As a program for browsers is written. */
export async function work(available: DomLocks): Promise<string> {
  const result: number = await available.request("name", async () => 1);
  const options: LockOptions = { mode: "shared", ifAvailable: true, steal: false };
  const named: string | undefined = await available.request("name", options, (lock: Lock | null) => lock?.name);
  const snapshot: LockManagerSnapshot = await available.query();
  const infos: LockInfo[] = [...(snapshot.held ?? []), ...(snapshot.pending ?? [])];
  return `${result} ${named} ${infos.map(({ clientId, mode, name }) => `${clientId} ${mode} ${name}`)}`;
}

/** The same calls on our own types, with what they have beyond. */
export async function workWithToken(): Promise<string> {
  const callback: LockGrantedCallback<Promise<string>> = async (lock) => lock?.mode ?? "none";
  const mode: string = await ours.request("name", { signal: AbortSignal.timeout(1_000) }, callback);
  const token: bigint | undefined = await ours.request("name", (lock) => lock?.fencingToken);
  const given: DomLocks[] = [ours, navigator.locks];
  const { held, pending } = await ours.query();
  const clientIds: string[] = [...held, ...pending].map(({ clientId }) => clientId);
  return `${mode} ${token} ${clientIds} ${await Promise.all(given.map(work))}`;
}

// @ts-expect-error a mode that there is not
void ours.request("name", { mode: "semaphore" }, () => undefined);

// @ts-expect-error a callback is needed
void ours.request("name", { mode: "shared" });
