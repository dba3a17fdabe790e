import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdUnavailableError } from "#dist/index.js";
import { fixture } from "../support/etcdlocker.ts";
import { eventually, within } from "../support/eventually.ts";
import { listLeases } from "../support/leftovers.ts";
import { etcdOfFile, etcdOfTest, type LockSetting } from "../support/lock-setting.ts";
import { type Program, startProgram } from "../support/programs.ts";

const setUp = etcdOfFile();

function start(setting: LockSetting, name: string, words: readonly unknown[]): Program {
  const program = startProgram(process.execPath, [fixture(name), ...words.map(String)]);
  setting.onEnd(() => program.kill());
  return program;
}

describe("while a session is being opened", { concurrency: true }, () => {
  it("each caller has a time limit of its own: who joined an impatient one waits on", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    proxy.cut();
    const manager = setting.manager({ endpoints: proxy.endpoint });
    const impatient = manager.acquire(setting.key, { connectTimeout: 300 });
    const patient = manager.acquire(`${setting.key}other`);
    await within(3_000, "the end of patience", assert.rejects(impatient, EtcdUnavailableError));
    await proxy.resume();
    assert.equal((await within(5_000, "the lock", patient)).held, true);
  });

  it("each caller has a time limit of its own: who joined a patient one gives up first", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    proxy.cut();
    const manager = setting.manager({ endpoints: proxy.endpoint });
    const patient = manager.acquire(setting.key);
    const impatient = manager.acquire(`${setting.key}other`, { connectTimeout: 300 });
    await within(3_000, "the end of patience", assert.rejects(impatient, EtcdUnavailableError));
    await proxy.resume();
    assert.equal((await within(5_000, "the lock", patient)).held, true);
  });

  it("who gave up does not keep its process alive", async (t) => {
    const setting = setUp(t);
    const proxy = await setting.proxy();
    proxy.cut();
    const program = start(setting, "give-up", [proxy.endpoint, setting.key]);
    const { at } = await program.line(/^gave up TimeoutError$/);
    const ending = await program.end();
    assert.equal(ending.code, 0);
    assert.ok(ending.at - at < 6_000, `it lived on for ${ending.at - at} ms`);
  });

  it("who gave up leaves no lease, though its request was carried out", async (t) => {
    const setting = await etcdOfTest(t);
    const proxy = await setting.proxy();
    const manager = setting.manager({ endpoints: proxy.endpoint });
    await manager.acquire(setting.key);
    const before = await listLeases(setting.cluster);
    proxy.dropAnswers();
    const rejected = assert.rejects(
      manager.acquire(`${setting.key}other`, { ttl: 60, connectTimeout: 2_000 }),
      EtcdUnavailableError,
    );
    await leaseCount(setting, before.length + 2);
    await rejected;
    await proxy.resume();
    await leaseCount(setting, before.length);
    assert.deepEqual(new Set(await listLeases(setting.cluster)), new Set(before));
  });
});

async function leaseCount({ cluster }: LockSetting, count: number): Promise<void> {
  await eventually(
    `there are ${count} leases`,
    () => listLeases(cluster),
    (leases) => leases.length === count,
  );
}

describe("a session", { concurrency: true }, () => {
  it("outlasts short gaps, however many follow each other", async (t) => {
    const setting = setUp(t);
    const manager = setting.manager();
    const leases = new Set<bigint>();
    for (let turn = 0; turn < 6; turn += 1) {
      const lock = await manager.acquire(setting.key);
      leases.add(lock.leaseId);
      await lock.release();
      await delay(400);
    }
    assert.equal(leases.size, 1);
  });

  it("goes on when listeners throw, which is an uncaught exception each time, and loses no lock", async (t) => {
    const setting = setUp(t);
    const program = start(setting, "throw-in-listeners", [setting.cluster.endpoints.join(","), setting.key, 20, 5]);
    assert.equal((await program.end()).code, 0);
    const told = ["acquiring", "acquired", "renewed", "released"];
    assert.equal(program.stdout, `held 20\n${told.map((event) => `uncaught in ${event}\n`).join("")}`);
  });
});
