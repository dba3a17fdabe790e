import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Scope } from "#dist/abort.js";
import { type Clock, systemClock } from "#dist/clock.js";
import { parseEtcdSource } from "#dist/etcd/endpoints.js";
import { GrpcEtcdClient } from "#dist/etcd/grpc-etcd-client.js";
import { HeldLock } from "#dist/held-lock.js";
import { LockLostError } from "#dist/index.js";
import { enterLines } from "#dist/line/enter-lines.js";
import { LineName } from "#dist/line/line-name.js";
import { Session } from "#dist/session/session.js";
import { etcdOfFile } from "../support/lock-setting.ts";
import { readKeys } from "../support/stored-line.ts";

const setUp = etcdOfFile();

/** The clock of this machine, which can be moved on. */
class MovableClock implements Clock {
  leadMs = 0;

  now(): number {
    return systemClock.now() + this.leadMs;
  }

  wallLead(): number {
    return systemClock.wallLead();
  }

  schedule(delayMs: number, callback: () => void, keepAlive?: boolean) {
    return systemClock.schedule(delayMs, callback, keepAlive);
  }
}

describe("a held lock", { concurrency: true }, () => {
  it("whose session has ended when it is made is lost, is told of it once, and leaves nothing behind", async (t) => {
    const { cluster, key } = setUp(t);
    const access = parseEtcdSource(cluster.endpoints);
    assert.equal(access.api, 3);
    const client = new GrpcEtcdClient(access, systemClock);
    const ignore = (): void => {};
    const hooks = { signal: new Scope(), onFailedTry: ignore, onRenewalFailed: ignore, onIdle: ignore };
    const session = await Session.open(client, systemClock, { ttl: 10, ...hooks });
    t.after(async () => {
      await session.close(5_000);
      client.close();
    });
    const application = {
      line: new LineName(key),
      session,
      suffix: session.takeSuffix(key),
      value: { limit: 1, ttl: 10 },
    };
    const [entered] = await enterLines(session, [application], 5_000, new Scope());
    assert.equal(entered?.kind, "admitted");
    session.end("lease-ended", "its lease has ended");
    const told: unknown[] = [];
    const lock = new HeldLock(
      entered.admission,
      { refreshIntervalMs: 5_000, atLeastMs: 0 },
      {
        onRenewed: ignore,
        onAtRisk: ignore,
        onLost: (lock, error) => told.push(lock, error),
        onReleased: () => told.push("released"),
      },
    );
    await Promise.resolve();
    assert.equal(lock.held, false);
    assert.ok(lock.signal.reason instanceof LockLostError);
    assert.deepEqual(told, [lock, lock.signal.reason]);
    assert.equal(await lock.release(), false);
    assert.deepEqual(told, [lock, lock.signal.reason, "released"]);
    assert.deepEqual(await readKeys(cluster, key), []);
  });

  it("that is found lost by its release, and released by who is told of that, is released once", async (t) => {
    const setting = setUp(t);
    const { cluster, key } = setting;
    const clock = new MovableClock();
    const manager = setting.manager({}, { clock, connect: (etcd) => new GrpcEtcdClient(etcd, clock) });
    const told: string[] = [];
    for (const name of ["lost", "released"] as const) manager.on(name, () => told.push(name));
    for (const release of [(lock: HeldLock) => lock.release(), (lock: HeldLock) => HeldLock.releaseAll([lock])]) {
      const lock = await manager.acquire(key);
      lock.signal.addEventListener("abort", () => void lock.release());
      clock.leadMs += 60_000;
      assert.equal(await release(lock), false);
      assert.deepEqual(told.splice(0), ["lost", "released"]);
    }
    assert.deepEqual(await readKeys(cluster, key), []);
  });
});
