import { formatDurationMs } from "../../duration.ts";
import type { Guarded, LockManager } from "../../index.ts";
import { messageOf } from "../error-message.ts";
import type { Host } from "../host.ts";
import { accessAdvice } from "./access-advice.ts";
import { type Finding, failure, good, warning } from "./finding.ts";

/** What can be said of a name, without taking its lock from anybody. */
export async function examineName(
  name: string,
  ttlSeconds: number,
  manager: LockManager,
  host: Host,
): Promise<readonly Finding[]> {
  return [...(await examineKeys(name, manager)), ...(await examineWriting(name, ttlSeconds, manager, host))];
}

/** Keys that are in the way. */
async function examineKeys(name: string, manager: LockManager): Promise<readonly Finding[]> {
  try {
    const [{ entries }, nested] = [await manager.inspect(name), await manager.list(`${name}/`)];
    const detached = entries.filter(({ leaseId }) => leaseId === 0n);
    return [
      good("permissions", `the line of ${name} may be read; ${entries.length} in it`),
      ...detached.map(({ key }) =>
        failure(
          "keys",
          `${key} is bound to no lease, and stands in the line for ever`,
          `remove it: etcdctl del -- ${key}`,
        ),
      ),
      ...judgeNested(
        name,
        nested.map((line) => line.name),
      ),
    ];
  } catch (error) {
    const text = `the line of ${name} cannot be read: ${messageOf(error)}`;
    return [failure("permissions", text, accessAdvice(name, error))];
  }
}

function judgeNested(name: string, nested: readonly string[]): readonly Finding[] {
  const [first] = nested;
  if (first === undefined) return [];
  const others = nested.length === 1 ? "the lock" : `${nested.length} locks, among them`;
  const advice = "Go and etcdctl take them for holders of this one, and wait; give locks names that don't begin alike";
  return [warning("keys", `under the name ${name} lies ${others} ${first}`, advice)];
}

/** A lock of our own beside the one that is meant, which may be in use. */
async function examineWriting(
  name: string,
  ttlSeconds: number,
  manager: LockManager,
  host: Host,
): Promise<readonly Finding[]> {
  const probe = `${name}/etcdlocker-doctor-${crypto.randomUUID()}`;
  try {
    const startedAt = host.now();
    await using lock = await manager.acquire(probe);
    const tookMs = host.now() - startedAt;
    await lock.transact(neverRecording(name));
    const granted =
      lock.ttl === ttlSeconds
        ? good("ttl", `etcd grants the TTL of ${ttlSeconds} s`)
        : warning(
            "ttl",
            `etcd grants a TTL of ${lock.ttl} s in place of ${ttlSeconds} s`,
            "it grants none shorter than 1.5 times its election timeout",
          );
    return [good("permissions", `locks under ${name}/ may be taken; it took ${formatDurationMs(tookMs)}`), granted];
  } catch (error) {
    const text = `no lock at or under ${name} can be taken: ${messageOf(error)}`;
    return [failure("permissions", text, accessAdvice(name, error))];
  }
}

/** Would write a hold record of the lock itself, on a condition that never holds: etcd asks for the permission all the same. */
function neverRecording(name: string): Guarded {
  const key = `${name}!etcdlocker-doctor`;
  return {
    compare: [{ key, of: "create-revision", is: "less", to: 0n }],
    success: [{ kind: "put", key, value: "" }],
  };
}
