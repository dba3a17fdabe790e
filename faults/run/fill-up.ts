import { authenticate } from "#dist/testing/etcd-user.js";
import { askGateway } from "#dist/testing/gateway.js";
import type { EtcdCluster } from "#dist/testing/index.js";

/** Just below what etcd takes in one request. */
const valueBytes = 900_000;
const mostKeys = 100;
const callLimitMs = 5_000;

/** As `fillUp` of the tests' support, with few large values: a program that is started for each of many takes its time. */
export async function fillUp({ members, user }: EtcdCluster): Promise<void> {
  const member = members.find(({ isRunning, isPaused }) => isRunning && !isPaused);
  if (member === undefined) throw new Error("no member runs");
  const gateway = { endpoint: member.endpoint, tls: undefined };
  const value = Buffer.alloc(valueBytes, "x").toString("base64");
  for (let number = 0; number < mostKeys; number += 1) {
    const key = Buffer.from(`fill/${number}`).toString("base64");
    try {
      // On a slow disk all of this takes longer than a token is good.
      const token = user === undefined ? undefined : await authenticate(gateway, user, callLimitMs);
      await askGateway(gateway, { path: "/v3/kv/put", body: { key, value }, token, timeoutMs: callLimitMs });
    } catch (error) {
      if (String(error).includes("database space exceeded")) return;
      throw error;
    }
  }
  throw new Error("etcd took everything: it needs a smaller --quota-backend-bytes");
}
